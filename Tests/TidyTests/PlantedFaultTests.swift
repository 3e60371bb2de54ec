// Each check against the fault it is for: the real tree is copied in memory, spoiled in one place,
// and must then have one complaint more than before, at that place. Faults are planted in every
// room that exists, so a room cannot be forgotten. What a check must leave alone is planted too.

import Testing

/// A copy of the checkout with a fault, and where the fault is.
struct Planted: Sendable {
  let house: House
  /// `path:line`, as complaints begin.
  let place: String

  /// Adds the text to the end of the room's first file of code; the fault is on its line `line`.
  init(_ text: String, line: Int = 1, in room: Room, of house: House = .checkout) throws {
    let file = try #require(house.swiftFile(of: room) ?? house.codeFile(of: room))
    try self.init(text, line: line, endOf: file, of: house)
  }

  init(_ text: String, line: Int = 1, endOf file: HouseFile, of house: House = .checkout) throws {
    let before = try #require(file.text)
    let lines = before.utf8.count { $0 == UInt8(ascii: "\n") }
    self.house = house.with(file.path, before + text + "\n")
    place = "\(file.path):\(lines + line)"
  }

  init(file path: String, _ text: String, line: Int = 1, of house: House = .checkout) {
    self.house = house.with(path, text)
    place = "\(path):\(line)"
  }

  private static let usual = House.checkout.complaints.map(\.description)

  /// The complaints that the copy has and the checkout has not.
  var newComplaints: [String] {
    var rest = house.complaints.map(\.description)
    for complaint in Self.usual {
      if let index = rest.firstIndex(of: complaint) { rest.remove(at: index) }
    }
    return rest
  }

  /// Expects one new complaint, here, with these words.
  func expectOnly(_ found: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let complaints = newComplaints
    #expect(complaints.count == 1, sourceLocation: sourceLocation)
    #expect(
      complaints.first?.hasPrefix("\(place): \(found); ") == true,
      "found \(complaints), expected \(place): \(found)", sourceLocation: sourceLocation)
  }

  /// Expects no new complaint: what was planted is no fault.
  func expectNothing(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(newComplaints == [], sourceLocation: sourceLocation)
  }
}

/// A Package.swift for the rooms of the plan that exist, and for those named besides.
///
/// Each room declares all that it imports, or what `change` makes of it; nil leaves the room out.
func manifest(
  with more: [String] = [], change: (Room, [String]) -> [String]? = { _, uses in uses }
) -> String {
  let house = House.checkout
  let names = Set(house.rooms.map(\.name) + more)
  let rooms = FloorPlan.rooms.filter { names.contains($0.name) }
  let entries = rooms.compactMap { room -> String? in
    let imported = Set(
      house.files.filter { $0.room?.name == room.name }.flatMap(\.imports).map(\.module))
    let used = FloorPlan.rooms.filter { imported.contains($0.module) }.map(\.name)
    guard let uses = change(room, used.filter({ room.uses.contains($0) })) else { return nil }
    if room.folder.hasPrefix("Sources/") {
      let list = uses.map { "\"\($0)\",\n" }.joined()
      return "room(\"\(room.name)\", uses: [\n\(list)]),\n"
    }
    let list = uses.map { "\"\(FloorPlan.room(named: $0)?.module ?? $0)\",\n" }.joined()
    return """
      .target(name: "\(room.module)", path: "\(room.folder)", dependencies: [
      \(list)]),

      """
  }
  return "let package = Package(targets: [\n\(entries.joined())])\n"
}

private let allRooms = House.checkout.rooms
private let rooms = House.checkout.swiftRooms
private let sourceRooms = rooms.filter { $0.folder.hasPrefix("Sources/") }

/// A name for a new file of code in this room; C rooms take headers.
private func newFile(_ stem: String, in room: Room) -> String {
  "\(room.folder)/\(stem).\(codeRoomsOfC.contains(room.name) ? "h" : "swift")"
}

private let codeRoomsOfC = [
  "CFiles", "CKernels", "CLZ4", "CRoost", "Connectors/CPostgres", "Connectors/CSQLite",
]

// MARK: - Layers

@Suite("A wrong import is noticed in every room")
struct PlantedImportTests {
  @Test("an import of any room that the plan keeps from this one", arguments: rooms)
  func forbiddenRoom(_ room: Room) throws {
    let open = FloorPlan.modules(openTo: room)
    let closed = FloorPlan.rooms.map(\.module).filter { !open.contains($0) }
    #expect(closed.contains(room.module))
    for module in closed {
      try Planted("import \(module)", in: room).expectOnly("imports \(module)")
    }
  }

  @Test("an upward import, however it is written", arguments: rooms)
  func spellings(_ room: Room) throws {
    let open = FloorPlan.modules(openTo: room)
    let module = try #require(
      FloorPlan.rooms.last { $0.name != room.name && !open.contains($0.module) }?.module)
    let spellings = [
      ("@testable import \(module)", 1),
      ("@_exported public import \(module)", 1),
      ("package import struct \(module).Inner", 1),
      ("private let one = 1; import \(module)", 1),
      ("#if canImport(\(module))\n  import \(module)\n#endif", 2),
      ("#if false\n#else\n  internal import \(module)\n#endif", 3),
    ]
    for (text, line) in spellings {
      try Planted(text, line: line, in: room).expectOnly("imports \(module)")
    }
    try Planted("// import \(module)\nlet planted = \"import \(module)\"", in: room).expectNothing()
  }

  @Test("an import that the plan allows and Package.swift does not list", arguments: rooms)
  func undeclared(_ room: Room) throws {
    for used in room.uses {
      let module = try #require(FloorPlan.room(named: used)?.module)
      let declared = manifest { other, uses in
        other.name == room.name ? uses.filter { $0 != used } : uses
      }
      let before = Planted(file: "Package.swift", declared)
      let after = try Planted("import \(module)", in: room, of: before.house)
      let complaint =
        "\(after.place): imports \(module); Package.swift lists it among what \(room.name) uses"
      #expect(after.newComplaints.count == before.newComplaints.count + 1)
      #expect(after.newComplaints.contains(complaint))
    }
  }

  @Test("an upward dependency in Package.swift", arguments: rooms)
  func forbiddenDependency(_ room: Room) throws {
    Planted(file: "Package.swift", manifest()).expectNothing()
    for other in FloorPlan.rooms where !room.uses.contains(other.name) {
      let text = manifest { $0.name == room.name ? $1 + [other.name] : $1 }
      let lines = text.split(separator: "\n")
      let line = try #require(
        lines.firstIndex { line in
          line.contains("room(\"\(room.name)\"") || line.contains("path: \"\(room.folder)\"")
        })
      Planted(file: "Package.swift", text, line: line + 1)
        .expectOnly("\(room.name) uses \(other.module)")
    }
  }

  @Test("a room without its line in Package.swift", arguments: rooms)
  func forgottenRoom(_ room: Room) throws {
    let rest = manifest { other, uses in other.name == room.name ? nil : uses }
    let planted = Planted(file: "Package.swift", rest)
    let file = try #require(
      House.checkout.files.first { $0.room?.name == room.name && $0.swift != nil })
    #expect(
      planted.newComplaints == [
        "\(file.path):1: \(room.name) has no line in Package.swift; a line for every room"
      ])
  }

  @Test(
    "a folder that is in no plan",
    arguments: [
      ("Sources/Attic/Box.swift", "Sources/Attic"),
      ("Sources/Contracts/Box.swift", "Sources/Contracts"),
      ("Sources/Connectors/Oracle/Box.swift", "Sources/Connectors/Oracle"),
      ("Sources/Connectors/Box.swift", "Sources/Connectors"),
      ("Sources/Box.swift", "Sources"),
    ])
  func unknownRoom(_ path: String, _ folder: String) {
    Planted(file: path, "let box = 1\n").expectOnly("\(folder) is not a room of the plan")
  }

  @Test(
    "a Package.swift that says its dependencies in another way",
    arguments: [
      (#"targets: [room(name)]"#, "this room is not understood"),
      (#"targets: [room("Model", uses: upstairs)]"#, "this room is not understood"),
      (#"targets: [room("Model", uses: ["Contract"] + more)]"#, "this room is not understood"),
      (#"targets: [room("Model", uses: [contract])]"#, "this room is not understood"),
      (#"targets: [room("Model", and: ["Engine"])]"#, "this room is not understood"),
      (#"targets: [room("Mo\(del)")]"#, "this room is not understood"),
      (#"targets: [tower("Model")]"#, "the target tower is not understood"),
      (#"targets: [.plugin(name: "Model")]"#, "the target plugin is not understood"),
      (#"targets: [.target(name: "Model")]"#, "this target is not understood"),
      (#"targets: [room("Model")] + more"#, "the list of targets is not understood"),
      (#"targets: more"#, "the list of targets is not understood"),
      (#"dependencies: [.package(path: "x")], targets: []"#, "declares packages"),
      (
        #"targets: [.target(name: "A", dependencies: [.product(name: "B")], path: "C")]"#,
        "this target is not understood"
      ),
      (#"targets: [room("Attic")]"#, "Sources/Attic is not a room of the plan"),
    ])
  func strangeManifest(_ text: String, _ found: String) {
    let planted = Planted(file: "Package.swift", "\n\nlet package = Package(\(text))\n", line: 3)
    #expect(planted.newComplaints.contains { $0.hasPrefix("\(planted.place): \(found); ") })
  }

  @Test("dependencies of plain targets are read in each of their forms")
  func plainTargets() throws {
    let dependencies = [
      #""RoostContract", "RoostCLI""#, #".byName(name: "RoostCLI")"#,
      #".target(name: "RoostCLI", condition: .when(traits: ["Postgres"]))"#,
    ]
    for dependency in dependencies {
      let rest = manifest { room, uses in room.name == "ContractSuite" ? nil : uses }
      let text = """
        \(rest.dropLast(3))
        .target(
        name: "ContractSuite", path: "Tests/ContractSuite",
        dependencies: [
        .byName(name: "RoostContract"), \(dependency),
        ]),
        ])

        """
      let line = rest.utf8.count { $0 == UInt8(ascii: "\n") } + 1
      Planted(file: "Package.swift", text, line: line).expectOnly("ContractSuite uses RoostCLI")
    }
  }

  @Test("source that cannot be read to its end", arguments: rooms)
  func brokenSource(_ room: Room) throws {
    try Planted("/* import Glibc", in: room).expectOnly("a comment or string does not end")
  }
}

// MARK: - System

@Suite("A module from outside is noticed in every room but its own")
struct PlantedModuleTests {
  @Test("a door to the operating system", arguments: rooms)
  func system(_ room: Room) throws {
    for module in FloorPlan.systemModules {
      let planted = try Planted("import \(module)", in: room)
      if room.name == "Files" || room.name == "ContractSuite" && module == "Dispatch" {
        planted.expectNothing()
      } else {
        planted.expectOnly("imports \(module)")
      }
    }
  }

  /// The rooms at the edge of the house, which may have Foundation; written out once more, so that
  /// loosening the plan is noticed here.
  private static let edges = [
    "Bridges", "CLI", "Connectors/SQL", "Connectors/Postgres", "Connectors/SQLite", "Fuzz/Laws",
    "Fuzz/Run", "Fuzz/Campaign", "Benchmarks/Run", "Examples/Search", "Examples/Follower",
    "Examples/Server",
  ]

  @Test("Foundation", arguments: rooms)
  func foundation(_ room: Room) throws {
    for module in FloorPlan.foundationModules {
      let planted = try Planted("import \(module)", in: room)
      if Self.edges.contains(room.name) {
        planted.expectNothing()
      } else {
        planted.expectOnly("imports \(module)")
      }
    }
  }

  @Test("any other module", arguments: rooms)
  func stranger(_ room: Room) throws {
    for module in ["NIOCore", "Testing", "XCTest", "Observation", "ContractTests", "roost"] {
      try Planted("import \(module)", in: room).expectOnly("imports \(module)")
    }
    try Planted("import Synchronization\nimport _Concurrency", in: room).expectNothing()
  }

  @Test("rooms that do not exist yet keep their doors too")
  func futureRooms() {
    let names = ["Files", "Storage", "CLI", "Connectors/Postgres"]
    let house = House.checkout.with("Package.swift", manifest(with: names))
    func planted(_ module: String, _ room: String) -> Planted {
      Planted(file: "Sources/\(room)/Door.swift", "import \(module)\n", of: house)
    }
    planted("Glibc", "Files").expectNothing()
    planted("Dispatch", "Files").expectNothing()
    planted("Foundation", "Files").expectOnly("imports Foundation")
    planted("Glibc", "Storage").expectOnly("imports Glibc")
    planted("FoundationEssentials", "Storage").expectOnly("imports FoundationEssentials")
    planted("Foundation", "CLI").expectNothing()
    planted("Glibc", "CLI").expectOnly("imports Glibc")
    planted("Foundation", "Connectors/Postgres").expectNothing()
    planted("Dispatch", "Connectors/Postgres").expectOnly("imports Dispatch")
  }
}

// MARK: - Unsafe

@Suite("A way around the checks is noticed in every room")
struct PlantedUnsafeTests {
  private static let faults = [
    ("let planted = try! f()", "has try!"),
    ("let planted = \"\\(try! f())\"", "has try!"),
    ("final class Planted: @unchecked Sendable {}", "has @unchecked Sendable without a proof"),
    ("struct A: @unchecked Sendable {}  // Sendable", "has @unchecked Sendable without a proof"),
  ]

  private static let flags = [
    ("// " + "unsafe" + "Flags", "has " + "unsafe" + "Flags"),
    ("let planted = \"-mar" + "ch=native\"", "has -mar" + "ch"),
    ("let planted = \"-Ounc" + "hecked\"", "has -Ounc" + "hecked"),
  ]

  @Test("a flag of the compiler in any room", arguments: allRooms)
  func flagsEverywhere(_ room: Room) throws {
    for (text, found) in Self.flags { try Planted(text, in: room).expectOnly(found) }
  }

  @Test("what no room may do", arguments: rooms)
  func everywhere(_ room: Room) throws {
    for (text, found) in Self.faults { try Planted(text, in: room).expectOnly(found) }
  }

  @Test("a summary of the type is no proof that it is Sendable", arguments: rooms)
  func summaryIsNoProof(_ room: Room) throws {
    try Planted("/// A box.\nfinal class Box: @unchecked Sendable {}", line: 2, in: room)
      .expectOnly("has @unchecked Sendable without a proof")
    try Planted("// Sendable.\n\nfinal class Box: @unchecked Sendable {}", line: 3, in: room)
      .expectOnly("has @unchecked Sendable without a proof")
  }

  @Test("what no room of Sources may do", arguments: sourceRooms)
  func sources(_ room: Room) throws {
    try Planted("func f() { fatalError(\"a\") }", in: room).expectOnly("calls fatal" + "Error")
    guard room.name != "CLI" else { return }
    try Planted("let planted = try? f()", in: room).expectOnly("has try? without a reason")
    try Planted("let planted = try? f()  // fine", in: room).expectOnly("has try? without a reason")
    try Planted("func f() { print(1) }", in: room).expectOnly("calls print")
    try Planted("func f() { Swift.print(1) }", in: room).expectOnly("calls print")
    try Planted("func f() { debugPrint(1) }", in: room).expectOnly("calls debugPrint")
    try Planted("func f() { dump(1) }", in: room).expectOnly("calls dump")
  }

  @Test(
    "what is left alone",
    arguments: [
      "let planted = try? f()  // the file may be gone already",
      "// Every field is behind a lock, hence Sendable.\nfinal class A: @unchecked Sendable {}",
      "/// A box.\n///\n/// Sendable: it never changes.\n@frozen\nstruct A: @unchecked Sendable {}",
      "// try! fatalError( print(", "let planted = try !isEmpty()",
      "let planted = \"try! fatalError(1) print(1) @unchecked Sendable\"",
      "extension Table { func print(_ row: Int) {} }\nlet planted: () = table.print(1)",
      "let planted = try f()",
    ])
  func innocent(_ text: String) throws {
    let contract = try #require(FloorPlan.room(named: "Contract"))
    try Planted(text, in: contract).expectNothing()
  }

  @Test("flags in Package.swift and in scripts")
  func flags() throws {
    let package = try #require(House.checkout["Package.swift"])
    try Planted("let planted = [\"-Ounc" + "hecked\"]", endOf: package)
      .expectOnly("has -Ounc" + "hecked")
    Planted(file: "Tests/quick", "#!/bin/sh\nswift build -Xcc -mar" + "ch=native\n", line: 2)
      .expectOnly("has -mar" + "ch")
  }
}

// MARK: - Leftovers

@Suite("What is left lying about is noticed in every room")
struct PlantedLeftoverTests {
  private static let lines: [(String, String)] = [
    ("// TO" + "DO: later", "says TO" + "DO"),
    ("// FIX" + "ME", "says FIX" + "ME"),
    ("/// XX" + "X", "says XX" + "X"),
    ("let planted = \"HA" + "CK\"", "says HA" + "CK"),
    ("#war" + "ning(\"later\")", "has a #war" + "ning"),
    ("<<<<" + "<<< HEAD", "has a mark of a merge conflict"),
    ("===" + "====", "has a mark of a merge conflict"),
    (">>>>" + ">>> other", "has a mark of a merge conflict"),
    ("||||" + "||| base", "has a mark of a merge conflict"),
    ("let planted = 1 ", "ends with white space"),
    ("   ", "ends with white space"),
    ("let planted = 1\r", "ends with a carriage return"),
    ("\tlet planted = 1", "has a tab"),
    ("let planted =\t1", "has a tab"),
    ("// a\u{0}b", "holds the invisible character U+0"),
    ("// a\u{85}b", "holds the invisible character U+85"),
    ("// a\u{A0}b", "holds the invisible character U+A0"),
    ("// a\u{200B}b", "holds the invisible character U+200B"),
    ("// a\u{202E}b", "holds the invisible character U+202E"),
    ("// a\u{FEFF}b", "holds the invisible character U+FEFF"),
    ("// " + String(repeating: "a", count: 98), "is 101 columns long"),
    ("// " + String(repeating: "é", count: 98), "is 101 columns long"),
  ]

  @Test("a line that should not be there", arguments: allRooms)
  func lines(_ room: Room) throws {
    for (text, found) in Self.lines { try Planted(text, in: room).expectOnly(found) }
  }

  @Test("a line that may be there", arguments: allRooms)
  func innocentLines(_ room: Room) throws {
    let lines = [
      "// " + String(repeating: "a", count: 97), "// " + String(repeating: "é", count: 97),
      "// the method of TO" + "DOs", "// mktemp XX" + "XXXX", "// 👩‍👩‍👧 and ❤️", "// === ======",
    ]
    for text in lines { try Planted(text, in: room).expectNothing() }
  }

  @Test("a file that does not end as it should", arguments: allRooms)
  func endings(_ room: Room) throws {
    let path = newFile("Planted", in: room)
    Planted(file: path, "let planted = 1").expectOnly("does not end its last line")
    Planted(file: path, "let planted = 1\n\n", line: 2).expectOnly("ends with an empty line")
    Planted(file: path, "").expectOnly("is empty")
    Planted(file: path, "\n \n").expectOnly("is empty")
    Planted(file: path, "let planted = 1\n").expectNothing()
  }

  @Test("a file that grew too long", arguments: allRooms)
  func length(_ room: Room) {
    let path = newFile("Planted", in: room)
    Planted(file: path, String(repeating: "// a\n", count: 900)).expectNothing()
    Planted(file: path, String(repeating: "// a\n", count: 901), line: 901)
      .expectOnly("has 901 lines")
  }

  @Test("only a row of a table in Tests may be longer, and not without end")
  func tableRows() {
    let path = "Tests/ContractTests/Planted.swift"
    let row = "    (\"" + String(repeating: "a", count: 111) + "\"),"
    #expect(row.count == 120)
    Planted(file: path, row + "\n").expectNothing()
    Planted(file: path, " " + row + "\n").expectOnly("is 121 columns long")
    Planted(file: path, "let a = " + row.dropFirst(8) + "\n").expectOnly("is 120 columns long")
    Planted(file: path, row.dropLast() + ")\n").expectOnly("is 120 columns long")
    Planted(file: "Sources/Contract/Planted.swift", row + "\n").expectOnly("is 120 columns long")
  }

  @Test("prose has no width and may underline its titles, but is finished all the same")
  func prose() {
    let title = "Roost..\n=======\n\n"
    Planted(file: "FORMAT.md", title + String(repeating: "wide ", count: 99) + "line\n")
      .expectNothing()
    Planted(file: "FORMAT.md", title + "TO" + "DO\n", line: 4).expectOnly("says TO" + "DO")
    Planted(file: "FORMAT.md", title + "a  \n", line: 4).expectOnly("ends with white space")
  }

  @Test("inputs of the fuzzer are left as they are")
  func corpus() {
    Planted(file: "Fuzz/Corpus/log/0001", "TO" + "DO \r\n\t\u{202E}/home" + "/a").expectNothing()
  }
}

// MARK: - Layout

@Suite("A file in the wrong place is noticed")
struct PlantedLayoutTests {
  @Test(
    "a stray file or folder at the top level",
    arguments: ["notes.md", "Makefile", "docs/a.md", "Package.resolved", "Scripts/run", "Sources"])
  func topLevel(_ path: String) {
    let top = path.split(separator: "/").first ?? ""
    Planted(file: path, "a\n").expectOnly("lies at the top level as \(top)")
  }

  @Test(
    "what belongs at the top level",
    arguments: ["FORMAT.md", "README.md", ".editorconfig", ".ci/other", "Benchmarks/README.md"])
  func expectedTopLevel(_ path: String) { Planted(file: path, "a\n").expectNothing() }

  @Test("a file of an unknown kind in any room", arguments: allRooms)
  func strayFile(_ room: Room) {
    for name in ["notes.txt", "a.swift.orig", "a.py", "a.o.bak", "a.rej"] {
      Planted(file: "\(room.folder)/\(name)", "a\n").expectOnly("is a stray file")
    }
  }

  @Test("a file named after nothing in any room", arguments: allRooms)
  func emptyName(_ room: Room) {
    let names = [
      "Utils", "Helpers", "Manager", "Misc", "New", "StringUtils", "Store+Helpers", "StoreManager",
    ]
    for name in names {
      let path = newFile(name, in: room)
      Planted(file: path, "// a\n").expectOnly("is called \(path.split(separator: "/").last ?? "")")
    }
    for name in ["Newton", "News", "Manage", "Renew"] {
      Planted(file: newFile(name, in: room), "// a\n").expectNothing()
    }
  }

  @Test("a path of a developer's machine in any room", arguments: allRooms)
  func homes(_ room: Room) throws {
    for home in ["work", "home", "root", "Users"] {
      try Planted("// see /" + home + "/ann/notes", in: room).expectOnly("names /\(home)/")
      try Planted("let planted = \"file:///" + home + "/a\"", in: room)
        .expectOnly("names /\(home)/")
      try Planted("// the frame" + "/\(home)/ and .build/\(home)/", in: room).expectNothing()
    }
  }

  @Test("a host of packages in any room", arguments: allRooms)
  func registries(_ room: Room) throws {
    for (name, end) in [
      ("pypi", "org"), ("deb.debian", "org"), ("github", "com"), ("crates", "io"),
      ("npmjs", "org"), ("archive.ubuntu", "com"),
    ] {
      try Planted("let planted = \"https://\(name)" + ".\(end)/a\"", in: room)
        .expectOnly("names \(name).\(end)")
    }
  }

  @Test("addresses in scripts and in prose")
  func addresses() {
    Planted(file: "Tests/fetch", "#!/bin/sh\ncurl https://github" + ".com/a\n", line: 2)
      .expectOnly("names github" + ".com")
    Planted(file: "README.md", "See https://github" + ".com/a\n").expectNothing()
    Planted(file: "README.md", "cd /root" + "/a\n").expectOnly("names /" + "root/")
  }

  @Test("bytes that are no text")
  func notText() {
    let file = HouseFile(path: "Sources/Contract/A.swift", bytes: [0x2F, 0x2F, 0xFF, 0x0A])
    #expect(
      file.complaints.map(\.description) == [
        "Sources/Contract/A.swift:1: is not UTF-8 text; text in UTF-8"
      ])
    #expect(HouseFile(path: "Fuzz/Corpus/log/1", bytes: [0xFF]).complaints.isEmpty)
    // Samples may be packed; elsewhere such a file has no place.
    #expect(HouseFile(path: "Benchmarks/Samples/a.npy.gz", bytes: [0xFF]).complaints.isEmpty)
    #expect(HouseFile(path: "Benchmarks/a.npy.gz", bytes: [0xFF]).complaints.count == 2)
  }
}
