import RoostContract
import RoostFuzz
import Testing

@Suite("The two written forms of a filter")
struct FilterRoundTripTests {
  /// Change it and the trees change; a failure names the tree and the seed.
  static let seed: UInt64 = 20_261_121
  static let count = 100_000

  @Test("100,000 generated trees read back from text and from JSON as themselves")
  func roundTrip() throws {
    print("filter round trip: seed \(Self.seed), \(Self.count) trees")
    var generator = FilterGenerator(seed: Self.seed)
    for number in 0..<Self.count {
      let filter = generator.filter()
      try filter.check()
      let text = filter.description
      let json = filter.json
      #expect(try Filter(parsing: text) == filter, "tree \(number) of seed \(Self.seed): \(text)")
      #expect(try Filter(json: json) == filter, "tree \(number) of seed \(Self.seed): \(json)")
    }
  }
}
