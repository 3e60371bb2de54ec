import Foundation
import RoostContract
import Testing

@Suite("Values without a type of their own")
struct FreeValueTests {
  struct Note: VectorRecord, Equatable {
    var id: String
    var embedding: [Float]
    var extra: [String: Value]
    var rest: Metadata
    var any: Value
  }

  @Test("a record keeps free values digit for digit")
  func record() throws {
    let exact = try Value(json: "0.1000000000000000055511151231257827")
    let note = Note(
      id: "a", embedding: [1], extra: ["big": .int(.max), "exact": exact, "none": .null],
      rest: ["list": [1, "two", .null, ["deep": true]]], any: .string("x"))
    let record = try Record(encoding: note)
    #expect(record.metadata?["extra"] == ["big": .int(.max), "exact": exact, "none": .null])
    let back: Note = try record.decoded()
    #expect(back == note)
  }

  @Test("other coders see what JSON has")
  func otherCoders() throws {
    let value: Value = ["a": [1, 2.5, "x", true, .null], "b": ["c": .int(.min)]]
    let data = try JSONEncoder().encode(value)
    #expect(try JSONDecoder().decode(Value.self, from: data) == value)
    #expect(try Value(json: data) == value)
    let large = Data("[18446744073709551615,9223372036854775807]".utf8)
    #expect(try JSONDecoder().decode(Value.self, from: large) == Value(json: large))
    let metadata: Metadata = ["n": 1]
    #expect(
      try JSONDecoder().decode(Metadata.self, from: JSONEncoder().encode(metadata)) == metadata)
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(Metadata.self, from: Data("[1]".utf8))
    }
  }
}
