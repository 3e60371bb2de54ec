import RoostContract
import RoostFuzz
import Testing

@Suite("The two written forms of a filter")
struct FilterRoundTripTests {
  static let seeds: [UInt64] = [20_261_121, 20_261_122, 20_261_123, 20_261_124]
  static let treesPerSeed = 25_000

  @Test("100,000 generated trees read back from text and from JSON as themselves", arguments: seeds)
  func roundTrip(_ seed: UInt64) throws {
    var generator = FilterGenerator(seed: seed)
    var nodes = 0
    for number in 0..<Self.treesPerSeed {
      let filter = generator.filter()
      try filter.check()
      nodes += filter.nodes.count
      let text = filter.description
      let json = filter.json
      #expect(try Filter(parsing: text) == filter, "tree \(number) of seed \(seed): \(text)")
      #expect(try Filter(json: json) == filter, "tree \(number) of seed \(seed): \(json)")
    }
    print("filter round trip: seed \(seed), \(Self.treesPerSeed) trees, \(nodes) conditions")
  }
}
