import ContractSuite
import Foundation
import RoostContract
import Testing

/// The truth table of the suite beside the recording that it was written from, so that a row cannot
/// get lost, nor an answer bend.
@Suite("The truth table is the recorded one")
struct TruthTableTests {
  /// A line of the recording: a label, and the ids found, or how many, or an error.
  struct Recorded: Sendable, CustomTestStringConvertible {
    let label: String
    let answer: String
    var testDescription: String { label }

    /// The ids between the brackets; nil where the line has only their number.
    var ids: [String]? {
      guard let open = answer.firstIndex(of: "["), answer.hasSuffix("]") else { return nil }
      let inside = answer[answer.index(after: open)...].dropLast()
      return inside.hasSuffix(" ids") ? nil : inside.split(separator: ",").map(String.init)
    }

    var count: Int? {
      guard answer.hasPrefix("n=") else { return nil }
      return Int(answer.dropFirst(2).prefix { $0.isNumber })
    }
  }

  static let recording: [Recorded] = {
    let file = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/filter-truth-postgres.txt")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map { line in
      // The label is padded to a column of its own; two spaces stand in no label.
      let label = line.prefix(35)
      return Recorded(
        label: label.trimmingCharacters(in: .whitespaces),
        answer: line.dropFirst(35).trimmingCharacters(in: .whitespaces))
    }
  }()

  @Test("every recorded row is in the table, in order, under its label")
  func labels() {
    #expect(Self.recording.count == 92)
    #expect(Self.recording.map(\.label) == TruthTable.rows.map(\.label))
  }

  @Test("the fixture has 28 records, each once")
  func records() {
    #expect(TruthTable.records.count == 28)
    #expect(Set(TruthTable.records.map(\.id)).count == 28)
  }

  @Test("a row answers as recorded, or names the choice", arguments: recording)
  func answers(_ recorded: Recorded) throws {
    let row = try #require(TruthTable.rows.first { $0.label == recorded.label })
    let asRecorded =
      switch row.answer {
      case .refused: recorded.answer.hasPrefix("ERR count=ErrInvalidFilter ")
      case .ids(let ids): recorded.count == ids.count && recorded.ids ?? ids == ids
      }
    #expect(
      asRecorded == (row.choice == nil),
      "the recording says \(recorded.answer); the table says \(row.answer)")
  }
}
