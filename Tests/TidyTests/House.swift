import Foundation

/// What is wrong at one place, and what would be right.
struct Complaint: Equatable, Sendable, CustomStringConvertible {
  enum Check: Sendable, CaseIterable { case layers, system, unsafe, leftovers, layout }

  let check: Check
  let path: String
  let line: Int
  let found: String
  let expected: String

  init(_ check: Check, _ path: String, _ line: Int, _ found: String, _ expected: String) {
    self.check = check
    self.path = path
    self.line = line
    self.found = found
    self.expected = expected
  }

  var description: String { "\(path):\(line): \(found); \(expected)" }
}

/// One file, read and judged: a value, so that a copy of the house can be spoiled in one place.
struct HouseFile: Sendable {
  let path: String
  let kind: FileKind
  /// The room it lies in, if any.
  let room: Room?
  /// Nil when the bytes are not UTF-8.
  let text: String?
  /// The source as tokens, when it is Swift.
  let swift: SwiftText?
  let imports: [Import]
  /// What Package.swift declares; nil for every other file.
  let manifest: Manifest?
  /// What this file gets wrong whatever the others hold.
  let complaints: [Complaint]

  init(path: String, bytes: [UInt8]) {
    self.init(path: path, text: String(validating: bytes, as: UTF8.self))
  }

  init(path: String, text: String?) {
    self.path = path
    self.text = text
    room = FloorPlan.room(ofPath: path)
    let kind = FileKind(path: path)
    self.kind = kind
    let swift = kind == .swift ? text.map { SwiftText($0) } : nil
    self.swift = swift
    imports = swift?.imports ?? []
    manifest = path == "Package.swift" ? swift.map { Manifest($0.tokens) } : nil
    let lines = text?.utf8.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).map(Substring.init)
    var complaints = placeComplaints(path: path)
    if let text, let lines, kind != .data {
      complaints += leftoverComplaints(path: path, kind: kind, text: text, lines: lines)
      complaints += unsafeComplaints(path: path, kind: kind, lines: lines, swift: swift)
      complaints += addressComplaints(path: path, kind: kind, lines: lines)
    } else if kind != .data {
      complaints.append(Complaint(.layout, path, 1, "is not UTF-8 text", "text in UTF-8"))
    }
    complaints += importComplaints(path: path, swift: swift, imports: imports)
    self.complaints = complaints
  }
}

/// What sort of file a path names; the checks differ by it.
enum FileKind: Sendable {
  case swift
  case c
  case script
  case prose
  /// Settings and other text that is neither code nor prose.
  case settings
  /// Inputs and pictures, which nobody writes by hand.
  case data

  init(path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if path.hasPrefix("Fuzz/Corpus/") || path.contains("/Fixtures/") {
      self = .data
      return
    }
    let suffix = fileExtension(name)
    if path.hasPrefix("Benchmarks/Samples/"), ["npy", "gz"].contains(suffix) {
      self = .data
      return
    }
    switch suffix {
    case "swift": self = .swift
    case "c", "h", "modulemap": self = .c
    case "sh": self = .script
    case "md", "tutorial", "txt": self = .prose
    case "png", "svg", "bin": self = .data
    case "" where !name.hasPrefix("."): self = .script
    default: self = .settings
    }
  }

  var isCode: Bool { self == .swift || self == .c || self == .script }
}

/// What follows the last dot of a name; nothing for a name without one and for `.gitignore`.
func fileExtension(_ name: String) -> String {
  guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
  return String(name[name.index(after: dot)...])
}

/// The checkout, or a copy of it with something changed.
struct House: Sendable {
  private(set) var files: [HouseFile]

  /// Everything that is wrong, in the order of the files.
  var complaints: [Complaint] {
    files.flatMap(\.complaints) + strangerComplaints(files) + manifestComplaints(files)
  }

  /// The rooms of the plan that have something to build; scripts and samples make no room.
  var rooms: [Room] {
    let built = Set(files.lazy.filter { [.swift, .c].contains($0.kind) }.compactMap(\.room?.name))
    return FloorPlan.rooms.filter { built.contains($0.name) }
  }

  /// The rooms that have Swift files.
  var swiftRooms: [Room] {
    rooms.filter { swiftFile(of: $0) != nil }
  }

  /// The shortest Swift file of a room, which is the quickest to spoil and judge again.
  func swiftFile(of room: Room) -> HouseFile? {
    shortest { $0.room?.name == room.name && $0.swift != nil }
  }

  /// A file of the room that people write code in, whatever the language.
  func codeFile(of room: Room) -> HouseFile? {
    shortest { $0.room?.name == room.name && $0.kind.isCode }
  }

  private func shortest(where fits: (HouseFile) -> Bool) -> HouseFile? {
    files.filter(fits).min { ($0.text?.utf8.count ?? 0) < ($1.text?.utf8.count ?? 0) }
  }

  subscript(path: String) -> HouseFile? { files.first { $0.path == path } }

  /// The same house with this file added, or in the place of the one that had its path.
  func with(_ path: String, _ text: String) -> House {
    var house = self
    house.files.removeAll { $0.path == path }
    house.files.append(HouseFile(path: path, text: text))
    return house
  }

  // MARK: The checkout

  /// The house that this test lives in, or the copy of it that `ROOST_HOUSE` names.
  static let checkout = House(
    root: ProcessInfo.processInfo.environment["ROOST_HOUSE"].map { $0.split(separator: "/") }
      ?? #filePath.split(separator: "/").dropLast(3))

  private init(root: [Substring]) {
    files = []
    walk(root: "/" + root.joined(separator: "/"), folder: "")
  }

  /// What git ignores: products of builds and of tools.
  private static func isIgnored(_ name: String) -> Bool {
    [".git", ".swiftpm", ".DS_Store", "__pycache__"].contains(name) || name.hasPrefix(".build")
      || name.hasSuffix(".o") || name.hasSuffix(".profraw")
  }

  private mutating func walk(root: String, folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)) ?? []
    for name in names.sorted() where !Self.isIgnored(name) {
      let path = folder.isEmpty ? name : folder + "/" + name
      if let bytes = try? Data(contentsOf: URL(fileURLWithPath: root + "/" + path)) {
        files.append(HouseFile(path: path, bytes: Array(bytes)))
      } else {
        walk(root: root, folder: path)
      }
    }
  }
}
