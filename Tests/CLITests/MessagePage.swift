import Foundation
import RoostContract
import Testing

/// A row of the page Messages.md: a call, and how it ends in one of the situations.
struct MessageRow: CustomTestStringConvertible, Sendable {
  let situation: MessagePage.Situation
  /// What stands behind `roost`.
  let words: [String]
  /// Where its output is redirected to.
  let output: String?
  /// What it is doing when it is interrupted; empty in the other tables.
  let activity: String
  let status: Int32
  /// What its line on standard error holds, or what it prints.
  let says: [String]

  /// Reads a line of a table; nil when it is none of the page's form.
  init?(_ line: Substring, _ situation: MessagePage.Situation) {
    let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    let isInterrupted = situation == .interrupted
    guard cells.count == (isInterrupted ? 4 : 3), let call = Self.code(in: cells[0]).first,
      let status = Int32(cells[cells.count - 2])
    else { return nil }
    var words = call.split(separator: " ").map(String.init)
    guard words.removeFirst() == "roost" else { return nil }
    if let mark = words.firstIndex(of: ">") {
      output = words.last
      words.removeSubrange(mark...)
    } else {
      output = nil
    }
    self.situation = situation
    self.words = words
    self.status = status
    activity = isInterrupted ? cells[1] : ""
    says = Self.code(in: cells[cells.count - 1])
    guard !says.isEmpty else { return nil }
  }

  var command: String { words.first ?? "" }

  var testDescription: String {
    "roost " + words.joined(separator: " ") + (output.map { " > " + $0 } ?? "")
      + (activity.isEmpty ? "" : ", " + activity)
  }

  /// The pieces of a text that are in code style.
  private static func code(in text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
  }

  /// Compares how the call ended with what the page says of it.
  func check(_ outcome: Outcome) {
    let isError = status > 1
    #expect(outcome.status == status, "\(testDescription): \(outcome)")
    let said = Self.evenly(isError ? outcome.err : outcome.out)
    for piece in says {
      #expect(said.contains(Self.evenly(piece)), "\(testDescription): \(outcome)")
    }
    guard isError else {
      #expect(!outcome.err.contains("roost:"), "\(testDescription): \(outcome)")
      return
    }
    #expect(outcome.err.hasPrefix("roost: "), "\(testDescription): \(outcome)")
    #expect(outcome.err.hasSuffix("\n"), "\(testDescription): \(outcome)")
    #expect(outcome.err.count { $0.isNewline } == 1, "\(testDescription): \(outcome)")
    // A repair tells what can be saved before it begins, and a demo what it does.
    if !["repair", "demo"].contains(command) {
      #expect(outcome.out.isEmpty, "\(testDescription): \(outcome)")
    }
  }

  /// A text as it reads, wherever its lines end and however its columns stand.
  private static func evenly(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// The page that says how every command ends.
struct MessagePage: Sendable {
  /// The tables of the page, by their headings.
  enum Situation: String, CaseIterable, Sendable {
    case help = "With --help"
    case wrong = "With wrong arguments"
    case missing = "Without a store"
    case damaged = "With a damaged store"
    case readOnly = "In a read-only directory"
    case full = "On a full disk"
    case interrupted = "By Ctrl-C"
  }

  private(set) var rows: [MessageRow] = []
  /// The lines that are in no table that is known, or not of its form.
  private(set) var strangers: [String] = []

  /// The page that belongs to these tests; without it, one without rows.
  static let here: MessagePage = {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "/" + root + "/Sources/Roost/Roost.docc/Messages.md"
    let bytes = FileManager.default.contents(atPath: path) ?? Data()
    return MessagePage(String(decoding: bytes, as: UTF8.self))
  }()

  private init(_ text: String) {
    var situation: Situation?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("## ") { situation = Situation(rawValue: String(line.dropFirst(3))) }
      guard line.hasPrefix("|"), !line.hasPrefix("| Call |"), !line.hasPrefix("| --- |") else {
        continue
      }
      if let situation, let row = MessageRow(line, situation) {
        rows.append(row)
      } else {
        strangers.append(String(line))
      }
    }
  }

  static func rows(_ situation: Situation) -> [MessageRow] {
    here.rows.filter { $0.situation == situation }
  }
}
