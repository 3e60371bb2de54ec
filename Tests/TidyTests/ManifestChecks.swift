// Package.swift against the plan. It is read as text, because a test cannot ask SwiftPM while
// SwiftPM runs the tests. Only the few forms it uses are understood; any other is a complaint, so
// that a dependency cannot slip in by being written differently.

/// One target of Package.swift: where it is, and the modules it declares.
struct DeclaredTarget: Sendable {
  let folder: String
  /// Nil when the name follows from the folder.
  let module: String?
  let uses: [String]
  let line: Int
}

/// What Package.swift says, and what of it could not be understood.
struct Manifest: Sendable {
  private(set) var targets: [DeclaredTarget] = []
  private(set) var complaints: [Complaint] = []

  init(_ tokens: [Token]) {
    guard let start = tokens.indices.first(where: { isCall(tokens, $0, "Package") }) else {
      doubt(1, "there is no Package(…)", "let package = Package(…)")
      return
    }
    for argument in Self.arguments(of: tokens[start...]) {
      switch argument.label {
      case "targets":
        guard let elements = Self.elements(of: argument.value) else {
          doubt(argument.line, "the list of targets is not understood", "targets: [ … ]")
          continue
        }
        elements.forEach { readTarget($0) }
      case "dependencies":
        doubt(argument.line, "declares packages", "no package from outside")
      default: break
      }
    }
  }

  private mutating func doubt(_ line: Int, _ found: String, _ expected: String) {
    complaints.append(Complaint(.layers, "Package.swift", line, found, expected))
  }

  // MARK: Targets

  private mutating func readTarget(_ tokens: ArraySlice<Token>) {
    guard let first = tokens.first else { return }
    let call = Array(tokens)
    let isMember = first.isSign(".")
    let name = isMember && call.count > 1 ? call[1].text : first.text
    let arguments = Self.arguments(of: call.dropFirst(isMember ? 1 : 0))
    switch (isMember, name) {
    case (false, "room"): readRoom(arguments, line: first.line)
    case (true, "target"), (true, "executableTarget"), (true, "systemLibrary"):
      readPlainTarget(arguments, line: first.line)
    case (false, "tests"), (true, "testTarget"):
      // Tests may use any room, and nothing imports them.
      break
    default:
      doubt(first.line, "the target \(name) is not understood", "room(…), tests(…) or .target(…)")
    }
  }

  /// Labels that change how a room is built and not what it sees.
  private static let harmless: Set<String> = [
    "settings", "swiftSettings", "cSettings", "linkerSettings", "sources", "exclude", "resources",
    "publicHeadersPath", "pkgConfig", "providers", "trait",
  ]

  private mutating func readRoom(_ arguments: [Argument], line: Int) {
    var folder: String?
    var uses: [String]? = []
    for argument in arguments {
      switch argument.label {
      case nil: folder = Self.literal(argument.value)
      case "uses":
        uses = Self.elements(of: argument.value).flatMap { Self.all($0.map(Self.literal)) }
      case let label? where Self.harmless.contains(label): break
      default: uses = nil
      }
    }
    guard let folder, let uses else {
      return doubt(line, "this room is not understood", #"room("X", uses: ["Y"])"#)
    }
    targets.append(
      DeclaredTarget(
        folder: "Sources/" + folder, module: nil,
        uses: uses.map { FloorPlan.room(named: $0)?.module ?? $0 }, line: line))
  }

  private mutating func readPlainTarget(_ arguments: [Argument], line: Int) {
    var module: String?
    var folder: String?
    var uses: [String]? = []
    for argument in arguments {
      switch argument.label {
      case "name": module = Self.literal(argument.value)
      case "path": folder = Self.literal(argument.value)
      case "dependencies":
        uses = Self.elements(of: argument.value).flatMap { Self.all($0.map(Self.dependency)) }
      case let label? where Self.harmless.contains(label): break
      default: uses = nil
      }
    }
    guard let module, let folder, let uses else {
      return doubt(
        line, "this target is not understood",
        #".target(name: "X", dependencies: ["Y"], path: "Z")"#)
    }
    targets.append(DeclaredTarget(folder: folder, module: module, uses: uses, line: line))
  }

  /// The module in `"X"`, `.byName(name: "X")` or `.target(name: "X", condition: …)`.
  private static func dependency(_ tokens: ArraySlice<Token>) -> String? {
    if let plain = literal(tokens) { return plain }
    guard let first = tokens.first, first.isSign("."), tokens.count > 2 else { return nil }
    guard ["byName", "target"].contains(tokens[tokens.startIndex + 1].text) else { return nil }
    return arguments(of: tokens.dropFirst()).first { $0.label == "name" }.flatMap {
      literal($0.value)
    }
  }

  // MARK: Small grammar

  private struct Argument {
    let label: String?
    let value: ArraySlice<Token>
    let line: Int
  }

  private static func all<Value>(_ values: [Value?]) -> [Value]? {
    let known = values.compactMap(\.self)
    return known.count == values.count ? known : nil
  }

  private static func literal(_ tokens: ArraySlice<Token>) -> String? {
    tokens.count == 1 && tokens.first?.kind == .literal ? tokens.first?.text : nil
  }

  /// The arguments of the call whose name comes first.
  private static func arguments(of call: ArraySlice<Token>) -> [Argument] {
    let inner = insideBrackets(call.dropFirst(), "(")
    return split(inner ?? []).map { part in
      let start = part.startIndex
      if part.count > 1, part[start].kind == .word, part[start + 1].isSign(":") {
        return Argument(
          label: part[start].text, value: part.dropFirst(2), line: part[start].line)
      }
      return Argument(label: nil, value: part, line: part.first?.line ?? 1)
    }
  }

  /// The elements of a list that is nothing but `[ … ]`.
  private static func elements(of tokens: ArraySlice<Token>) -> [ArraySlice<Token>]? {
    guard let inner = insideBrackets(tokens, "["), inner.count + 2 == tokens.count else {
      return nil
    }
    return split(inner)
  }

  /// What lies between the bracket that comes first and the one that closes it.
  private static func insideBrackets(
    _ tokens: ArraySlice<Token>, _ opening: String
  ) -> ArraySlice<Token>? {
    guard tokens.first?.isSign(opening) == true else { return nil }
    var depth = 0
    for index in tokens.indices where tokens[index].kind == .sign {
      if "([{".contains(tokens[index].text) { depth += 1 }
      if ")]}".contains(tokens[index].text) { depth -= 1 }
      if depth == 0 { return tokens[tokens.startIndex + 1..<index] }
    }
    return nil
  }

  /// The parts between the commas that lie in no inner bracket.
  private static func split(_ tokens: ArraySlice<Token>) -> [ArraySlice<Token>] {
    var parts: [ArraySlice<Token>] = []
    var depth = 0
    var start = tokens.startIndex
    for index in tokens.indices where tokens[index].kind == .sign {
      if "([{".contains(tokens[index].text) { depth += 1 }
      if ")]}".contains(tokens[index].text) { depth -= 1 }
      if depth == 0 && tokens[index].isSign(",") {
        parts.append(tokens[start..<index])
        start = index + 1
      }
    }
    if start < tokens.endIndex { parts.append(tokens[start...]) }
    return parts
  }
}

/// Whether a call of `name` starts here; a declaration or a member of that name does not count.
private func isCall(_ tokens: [Token], _ index: Int, _ name: String) -> Bool {
  guard tokens[index].isWord(name), index + 1 < tokens.count, tokens[index + 1].isSign("(") else {
    return false
  }
  return index == 0 || !(tokens[index - 1].isWord("func") || tokens[index - 1].isSign("."))
}

// MARK: - Against the plan and the sources

/// What Package.swift declares that the plan forbids, and what the sources import undeclared.
func manifestComplaints(_ files: [HouseFile]) -> [Complaint] {
  guard let manifest = files.lazy.compactMap(\.manifest).first else { return [] }
  var complaints = manifest.complaints
  var declared: [String: Set<String>] = [:]
  for target in manifest.targets {
    guard let room = FloorPlan.rooms.first(where: { $0.folder == target.folder }) else {
      complaints.append(
        Complaint(
          .layers, "Package.swift", target.line, "\(target.folder) is not a room of the plan",
          "a line in Tests/TidyTests/FloorPlan.swift"))
      continue
    }
    declared[room.name, default: []].formUnion(target.uses)
    let open = FloorPlan.modules(openTo: room)
    for module in target.uses where !open.contains(module) {
      let expected = open.isEmpty ? "nothing" : "only \(open.joined(separator: ", "))"
      complaints.append(
        Complaint(
          .layers, "Package.swift", target.line, "\(room.name) uses \(module)",
          "\(room.name) may use \(expected)"))
    }
    if let module = target.module, module != room.module, !room.isProgram {
      complaints.append(
        Complaint(
          .layers, "Package.swift", target.line, "\(room.name) is called \(module)", room.module))
    }
  }
  guard manifest.complaints.isEmpty else { return complaints }
  return complaints + undeclaredComplaints(files, declared: declared)
}

/// Imports that the plan allows and Package.swift does not list: they build only by accident.
private func undeclaredComplaints(
  _ files: [HouseFile], declared: [String: Set<String>]
) -> [Complaint] {
  var complaints: [Complaint] = []
  var seen: Set<String> = []
  for file in files where file.swift != nil {
    guard let room = file.room else { continue }
    guard let uses = declared[room.name] else {
      if seen.insert(room.name).inserted {
        complaints.append(
          Complaint(
            .layers, file.path, 1, "\(room.name) has no line in Package.swift",
            "a line for every room"))
      }
      continue
    }
    for found in file.imports where FloorPlan.modules(openTo: room).contains(found.module) {
      guard !uses.contains(found.module) else { continue }
      complaints.append(
        Complaint(
          .layers, file.path, found.line, "imports \(found.module)",
          "Package.swift lists it among what \(room.name) uses"))
    }
  }
  return complaints
}
