import ContractSuite
import RoostContract
import RoostStorage

/// Records of every shape, the same from the same seed.
enum RandomRecords {
  static func text(_ random: inout SeededGenerator, upTo count: Int = 12) -> String {
    let letters: [Character] = ["a", "b", "c", "ä", "é", "e\u{301}", "😀", " ", "/", "\\", "\""]
    return String(
      (0..<Int.random(in: 0...count, using: &random)).map { _ in
        letters.randomElement(using: &random) ?? "z"
      })
  }

  static func value(_ random: inout SeededGenerator, depth: Int = 0) -> Value {
    switch Int.random(in: 0..<(depth < 3 ? 9 : 7), using: &random) {
    case 0: return .null
    case 1: return .bool(random.next() & 1 == 0)
    case 2: return .int(Int64(bitPattern: random.next() >> (random.next() & 63)))
    case 3: return .int(-Int64(random.next() >> 40))
    case 4:
      let number = Double(bitPattern: random.next())
      return .double(number.isFinite ? number : 0.5)
    case 5:
      let digits = "\(random.next())\(random.next())e\(Int.random(in: -60...60, using: &random))"
      return ExactDecimal(digits).map { .decimal($0) } ?? .null
    case 6: return .string(text(&random))
    case 7:
      return .array(
        (0..<Int.random(in: 0..<4, using: &random)).map { _ in
          value(&random, depth: depth + 1)
        })
    default: return .object(metadata(&random, depth: depth + 1))
    }
  }

  static func metadata(_ random: inout SeededGenerator, depth: Int = 0) -> Metadata {
    var metadata = Metadata()
    for _ in 0..<Int.random(in: 0..<5, using: &random) {
      metadata[text(&random, upTo: 5)] = value(&random, depth: depth)
    }
    return metadata
  }

  static func vector(
    _ random: inout SeededGenerator, _ dimension: Int, _ element: ElementType
  ) -> [Float] {
    (0..<dimension).map { _ in
      let number = Float(Int64(bitPattern: random.next()) >> 40) / Float(1 << 18)
      return element.rounded(number)
    }
  }

  static func record(
    _ random: inout SeededGenerator, id: String, dimension: Int, element: ElementType = .f32
  ) -> StoredRecord {
    StoredRecord(
      id: id, vector: vector(&random, dimension, element), metadata: metadata(&random),
      content: random.next() & 1 == 0 ? text(&random, upTo: 60) : nil)
  }
}
