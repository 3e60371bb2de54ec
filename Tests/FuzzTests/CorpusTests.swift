import Foundation
import RoostFuzz
import Testing

@Suite("The doors of Roost, for whatever bytes come")
struct CorpusTests {
  static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Fuzz/Corpus").standardizedFileURL.path

  @Test("every kept input keeps its law", arguments: FuzzTarget.all.map(\.name))
  func replay(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let inputs = try Corpus(folder: Self.corpus).inputs(for: name)
    #expect(try inputs.contains { try target.check($0) }, "some input is let in")
    #expect(try inputs.contains { try !target.check($0) }, "some input is refused")
  }

  @Test("mutated inputs keep the law", arguments: FuzzTarget.all.map(\.name))
  func mutated(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let inputs = try Corpus(folder: Self.corpus).inputs(for: name)
    var mutator = Mutator(
      seed: 2, corpus: inputs + target.seeds(100, seed: 2), dictionary: target.dictionary)
    for _ in 0..<target.runsInTests { _ = try target.check(mutator.next()) }
  }

  @Test("a planted fault is found")
  func canary() {
    var mutator = Mutator(seed: 1, corpus: [], dictionary: FuzzTarget.canary.dictionary)
    #expect(throws: FuzzFinding.self) {
      for _ in 0..<10_000 { _ = try FuzzTarget.canary.check(mutator.next()) }
    }
  }

  @Test("the same seed makes the same inputs")
  func repeatable() {
    var first = Mutator(seed: 9, corpus: [Array("a = 1".utf8)], dictionary: ["x"])
    var second = Mutator(seed: 9, corpus: [Array("a = 1".utf8)], dictionary: ["x"])
    for _ in 0..<100 { #expect(first.next() == second.next()) }
  }
}
