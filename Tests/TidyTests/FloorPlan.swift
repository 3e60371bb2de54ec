/// A room of the house: a folder, its module, and the rooms it may speak to.
struct Room: Sendable, CustomStringConvertible {
  /// What the plan calls it: its folder, without `Sources/` or `Tests/`.
  let name: String
  /// The names of the rooms it may import.
  let uses: [String]

  /// Where its files are.
  let folder: String
  /// What the others import; C modules and the umbrella keep their plain names.
  let module: String

  init(name: String, uses: [String]) {
    self.name = name
    self.uses = uses
    switch name {
    case "Fuzz/Laws", "Fuzz/Run", "Fuzz/Campaign", "Benchmarks/Run": folder = name
    case "ContractSuite", "Examples/Search", "Examples/Follower", "Examples/Server":
      folder = "Tests/" + name
    default: folder = "Sources/" + name
    }
    let last = name.split(separator: "/").last.map(String.init) ?? name
    let plain = [
      "CFiles", "CKernels", "CLZ4", "CPostgres", "CRoost", "CSQLite", "Roost", "ContractSuite",
    ]
    module =
      name == "Fuzz/Laws"
      ? "RoostFuzz"
      : name == "Benchmarks/Run" ? "RoostBench" : plain.contains(last) ? last : "Roost" + last
  }

  /// Whether it is a program: nobody imports it, so it may be called as its users call it.
  var isProgram: Bool {
    ["CLI", "Fuzz/Run", "Fuzz/Campaign", "Benchmarks/Run"].contains(name) || isExample
  }

  /// Whether it shows how Roost is used, and so knows nothing but what everybody sees.
  var isExample: Bool { name.hasPrefix("Examples/") }

  /// Whether it talks to another database, so that its driver decides what it needs.
  var isConnector: Bool { name.hasPrefix("Connectors/") }

  var description: String { name }
}

/// Which room may speak to which.
///
/// A room stands below every room that uses it. The plan runs ahead of the house: a room whose
/// folder is not there yet is fine, a folder that is not in the plan is refused. To add a room, add
/// its line here and in Package.swift.
enum FloorPlan {
  static let rooms: [Room] = [
    Room(name: "CKernels", uses: []),
    Room(name: "Kernels", uses: ["CKernels"]),
    Room(name: "CFiles", uses: []),
    Room(name: "Files", uses: ["CFiles", "CKernels"]),
    Room(name: "Contract", uses: []),
    Room(name: "CLZ4", uses: []),
    Room(name: "Storage", uses: ["Contract", "Files", "Kernels", "CLZ4"]),
    Room(name: "Index", uses: ["Kernels"]),
    Room(name: "Mirror", uses: ["Contract"]),
    Room(name: "Connectors/CPostgres", uses: []),
    Room(name: "Connectors/CSQLite", uses: []),
    Room(name: "Connectors/SQL", uses: ["Contract"]),
    Room(
      name: "Connectors/Postgres", uses: ["Contract", "Connectors/SQL", "Connectors/CPostgres"]),
    Room(name: "Connectors/SQLite", uses: ["Contract", "Connectors/SQL", "Connectors/CSQLite"]),
    Room(name: "Model", uses: ["Contract"]),
    Room(name: "Bridges", uses: ["Contract"]),
    Room(name: "Engine", uses: ["Contract", "Files", "Kernels", "Storage", "Index"]),
    Room(name: "Roost", uses: ["Contract", "Bridges", "Engine", "Mirror"]),
    Room(name: "CLI", uses: belowRoost + ["Roost", "Model"] + connectors),
    Room(name: "CRoost", uses: []),
    Room(name: "CABI", uses: belowRoost + ["Roost", "CRoost"]),
    Room(name: "ContractSuite", uses: ["Contract"]),
    Room(name: "Fuzz/Laws", uses: belowRoost + ["Roost", "Model", "ContractSuite"]),
    Room(name: "Fuzz/Run", uses: ["Fuzz/Laws", "Contract", "Connectors/SQL"]),
    Room(
      name: "Fuzz/Campaign", uses: belowRoost + ["Roost", "Model", "ContractSuite", "Fuzz/Laws"]),
    Room(name: "Benchmarks/Run", uses: belowRoost + ["Roost", "Model"] + connectors),
    Room(name: "Examples/Search", uses: ["Roost"]),
    Room(name: "Examples/Follower", uses: ["Roost"]),
    Room(name: "Examples/Server", uses: ["Roost"]),
  ]

  /// Everything `import Roost` stands on.
  private static let belowRoost = [
    "CFiles", "CKernels", "Kernels", "Files", "Contract", "Storage", "Index", "Mirror", "Bridges",
    "Engine",
  ]

  private static let connectors = ["Connectors/Postgres", "Connectors/SQLite"]

  /// The room that a path lies in, or nil when it lies in none.
  static func room(ofPath path: String) -> Room? {
    rooms.first { path.hasPrefix($0.folder) && path.dropFirst($0.folder.count).first == "/" }
  }

  static func room(named name: String) -> Room? { rooms.first { $0.name == name } }

  static func room(ofModule module: String) -> Room? { rooms.first { $0.module == module } }

  /// The modules that a room may import from the house, in the order of the plan.
  static func modules(openTo room: Room) -> [String] { openModules[room.name] ?? [] }

  private static let openModules = Dictionary(
    uniqueKeysWithValues: rooms.map { room in
      (room.name, rooms.filter { room.uses.contains($0.name) }.map(\.module))
    })

  // MARK: What comes from outside

  /// The standard library's own modules, which reach no operating system: any room may have them.
  static let standardModules: Set<String> = [
    "Swift", "Synchronization", "_Concurrency", "_StringProcessing", "RegexBuilder",
  ]

  /// Doors to the operating system; a change of platform must touch one room only.
  static let systemModules: Set<String> = [
    "Glibc", "Musl", "Bionic", "Android", "Darwin", "Dispatch", "System", "WinSDK", "ucrt",
  ]

  /// Large, and slow to start: kept at the edges of the house.
  static let foundationModules: Set<String> = ["Foundation", "FoundationEssentials"]

  /// Whether a room may open a door: Files every one, and the contract suite the one to threads of
  /// its own, on which concurrent laws meet.
  static func mayImport(system module: String, _ room: Room) -> Bool {
    room.name == "Files" || room.name == "ContractSuite" && module == "Dispatch"
  }

  static func mayImportFoundation(_ room: Room) -> Bool {
    room.name == "Bridges" || room.isConnector || room.isProgram || room.name == "Fuzz/Laws"
  }
}
