// swift-tools-version: 6.2
import PackageDescription

/// What every room is built with: Swift 6, no warnings, nothing implicit.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
]

/// What examples are built with: they are to be copied, so they ask for no more than Swift 6.
let example: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

/// A room: folder `Sources/<folder>`, module `Roost<last part of the folder>`.
///
/// Under a trait, the libraries of C that the room uses are needed only while the trait is on.
func room(_ folder: String, uses rooms: [String] = [], trait: String? = nil) -> Target {
  .target(
    name: module(folder),
    dependencies: rooms.map { room in
      let isLibrary = module(room).hasPrefix("C")
      return .target(
        name: module(room), condition: trait.flatMap { isLibrary ? .when(traits: [$0]) : nil })
    },
    path: "Sources/" + folder, swiftSettings: house,
    // Rounding and roots are in a library of their own on Linux, and nothing else asks for it.
    linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))])
}

/// `Contract` is the module `RoostContract`; the umbrella and modules of C keep their names.
func module(_ folder: String) -> String {
  let name = String(folder.split(separator: "/").last ?? "")
  let plain = ["Roost", "CFiles", "CKernels", "CLZ4", "CPostgres", "CRoost", "CSQLite"]
  return plain.contains(name) ? name : "Roost" + name
}

/// The tests of a room: folder `Tests/<folder>Tests`.
func tests(_ folder: String, use rooms: [String], and others: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: folder + "Tests", dependencies: rooms.map { .byName(name: module($0)) } + others,
    path: "Tests/\(folder)Tests", swiftSettings: house)
}

let package = Package(
  name: "roost",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "Roost", targets: ["Roost"]),
    .executable(name: "roost", targets: ["RoostCLI"]),
    // SwiftPM takes each name once; Sources/CABI/install gives the library its name, libroost.so.
    .library(name: "roost-c", type: .dynamic, targets: ["RoostCABI"]),
  ],
  traits: [
    .trait(name: "Postgres", description: "The Postgres connector; needs libpq."),
    .trait(name: "SQLite", description: "The SQLite connector; needs sqlite3."),
  ],
  targets: [
    .target(name: "CKernels", path: "Sources/CKernels"),
    room("Kernels", uses: ["CKernels"]),
    .target(name: "CFiles", path: "Sources/CFiles"),
    room("Files", uses: ["CFiles", "CKernels"]),
    room("Contract"),
    .systemLibrary(
      name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4",
      providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
    room("Storage", uses: ["Contract", "Files", "Kernels", "CLZ4"]),
    room("Index", uses: ["Kernels"]),
    room("Engine", uses: ["Contract", "Files", "Kernels", "Storage", "Index"]),
    room("Model", uses: ["Contract"]),
    room("Bridges", uses: ["Contract"]),
    room("Connectors/SQL", uses: ["Contract"]),
    room(
      "Connectors/Postgres", uses: ["Contract", "Connectors/SQL", "Connectors/CPostgres"],
      trait: "Postgres"),
    .systemLibrary(
      name: "CPostgres", path: "Sources/Connectors/CPostgres", pkgConfig: "libpq",
      providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    room(
      "Connectors/SQLite", uses: ["Contract", "Connectors/SQL", "Connectors/CSQLite"],
      trait: "SQLite"),
    .systemLibrary(
      name: "CSQLite", path: "Sources/Connectors/CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    room("Roost", uses: ["Contract", "Bridges", "Engine"]),
    .systemLibrary(name: "CRoost", path: "Sources/CRoost"),
    .target(
      name: "RoostCABI",
      dependencies: ["RoostContract", "RoostFiles", "RoostEngine", "CRoost"],
      path: "Sources/CABI", exclude: ["Python", "install"], swiftSettings: house),
    .executableTarget(
      name: "RoostCLI",
      dependencies: [
        "Roost",
        .target(name: "RoostPostgres", condition: .when(traits: ["Postgres"])),
        .target(name: "RoostSQLite", condition: .when(traits: ["SQLite"])),
      ],
      path: "Sources/CLI", swiftSettings: house),
    .target(
      name: "ContractSuite", dependencies: ["RoostContract"], path: "Tests/ContractSuite",
      swiftSettings: house),
    .target(
      name: "RoostFuzz",
      dependencies: [
        "RoostContract", "RoostFiles", "RoostKernels", "RoostStorage", "RoostEngine",
        "ContractSuite",
      ],
      path: "Fuzz/Laws", swiftSettings: house),
    .executableTarget(
      name: "roost-fuzz", dependencies: ["RoostFuzz", "RoostContract", "RoostSQL"],
      path: "Fuzz/Run", swiftSettings: house),
    .executableTarget(
      name: "roost-campaign",
      dependencies: [
        "RoostContract", "RoostFiles", "RoostStorage", "RoostEngine", "ContractSuite", "RoostFuzz",
      ],
      path: "Fuzz/Campaign", swiftSettings: house),
    .executableTarget(
      name: "roost-bench",
      dependencies: [
        "RoostContract", "RoostFiles", "RoostEngine", "RoostIndex", "RoostKernels",
      ],
      path: "Benchmarks/Run", swiftSettings: house),
    .executableTarget(
      name: "example-search", dependencies: ["Roost"], path: "Tests/Examples/Search",
      swiftSettings: example),
    .executableTarget(
      name: "example-follower", dependencies: ["Roost"], path: "Tests/Examples/Follower",
      swiftSettings: example),
    .executableTarget(
      name: "example-server", dependencies: ["Roost"], path: "Tests/Examples/Server",
      swiftSettings: example),
    tests("Kernels", use: ["Kernels"]),
    tests("Files", use: ["Files"]),
    tests("Storage", use: ["Contract", "Files", "Kernels", "Storage"], and: ["ContractSuite"]),
    tests(
      "Engine", use: ["Contract", "Files", "Kernels", "Storage", "Index", "Engine", "Model"],
      and: ["ContractSuite"]),
    tests("Contract", use: ["Contract", "Model"], and: ["RoostFuzz", "ContractSuite"]),
    tests("SQL", use: ["Contract", "Connectors/SQL"]),
    tests("Fuzz", use: [], and: ["RoostFuzz"]),
    tests("Model", use: ["Contract", "Model"], and: ["ContractSuite"]),
    tests("Bridges", use: ["Contract", "Bridges"]),
    tests("CABI", use: ["Contract", "Engine", "CABI", "CRoost"]),
    tests("CLI", use: ["Contract", "CLI"]),
    tests("Tidy", use: []),
  ]
)
