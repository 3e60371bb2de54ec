import ContractSuite

/// Makes inputs out of a corpus, the same ones for the same seed.
package struct Mutator {
  private var random: SeededGenerator
  private let corpus: [[UInt8]]
  private let dictionary: [[UInt8]]

  /// Inputs longer than this teach nothing that shorter ones do not, and take longer.
  private static let lengthMax = 4_096

  package init(seed: UInt64, corpus: [[UInt8]], dictionary: [String]) {
    random = SeededGenerator(seed: seed)
    self.corpus = corpus.isEmpty ? [[]] : corpus
    self.dictionary = dictionary.map { Array($0.utf8) }
  }

  /// The next input: one of the corpus after a mutation, in half the cases another, and so on.
  package mutating func next() -> [UInt8] {
    var input = pick(corpus)
    repeat { mutate(&input) } while Bool.random(using: &random)
    if input.count > Self.lengthMax { input.removeLast(input.count - Self.lengthMax) }
    return input
  }

  private mutating func pick<T>(_ choices: [T]) -> T {
    choices[Int.random(in: 0..<choices.count, using: &random)]
  }

  private mutating func place(in input: [UInt8]) -> Int {
    Int.random(in: 0...input.count, using: &random)
  }

  /// A stretch of the input, more often a short one.
  private mutating func range(in input: [UInt8]) -> Range<Int> {
    let start = place(in: input)
    let length = Int.random(in: 0...pick([2, 4, 16, input.count]), using: &random)
    return start..<min(start + length, input.count)
  }

  private mutating func mutate(_ input: inout [UInt8]) {
    switch Int.random(in: 0..<9, using: &random) {
    case 0 where !input.isEmpty:
      input[Int.random(in: 0..<input.count, using: &random)] ^=
        1 << UInt8.random(in: 0..<8, using: &random)
    case 1 where !input.isEmpty:
      input[Int.random(in: 0..<input.count, using: &random)] = UInt8.random(
        in: 0...255, using: &random)
    case 2: input.removeSubrange(range(in: input))
    case 3:
      let chunk = input[range(in: input)]
      input.insert(contentsOf: chunk, at: place(in: input))
    case 4:
      let other = pick(corpus)
      let chunk = other[range(in: other)]
      input.insert(contentsOf: chunk, at: place(in: input))
    case 5 where Bool.random(using: &random):
      // One piece many times over: deep nesting, long lists.
      let piece = pick(dictionary)
      let count = pick([2, 8, 64, 300])
      let run = [[UInt8]](repeating: piece, count: count).flatMap { $0 }
      input.insert(contentsOf: run, at: place(in: input))
    case 6:
      input.insert(UInt8.random(in: 0...255, using: &random), at: place(in: input))
    default: input.insert(contentsOf: pick(dictionary), at: place(in: input))
    }
  }
}
