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

/// A room: folder `Sources/<folder>`, module `Roost<last part of folder>`.
func room(_ folder: String, uses rooms: [String] = []) -> Target {
  .target(
    name: module(folder), dependencies: rooms.map { .byName(name: module($0)) },
    path: "Sources/" + folder, swiftSettings: house)
}

/// `Contract` is the module `RoostContract`; the umbrella `Roost` keeps its name.
func module(_ folder: String) -> String {
  let last = String(folder.split(separator: "/").last ?? "")
  return last.hasPrefix("C") && ["CKernels", "CPostgres", "CSQLite"].contains(last)
    ? last : last.hasPrefix("Roost") ? last : "Roost" + last
}

/// The tests of a room: folder `Tests/<folder>Tests`.
func tests(_ folder: String, use rooms: [String], and others: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: folder + "Tests", dependencies: rooms.map { .byName(name: module($0)) } + others,
    path: "Tests/\(folder)Tests", swiftSettings: house)
}

let package = Package(
  name: "roost",
  products: [
    .library(name: "Roost", targets: ["Roost"]),
  ],
  targets: [
    room("Contract"),
    room("Model", uses: ["Contract"]),
    room("Bridges", uses: ["Contract"]),
    room("Roost", uses: ["Contract", "Bridges"]),
    .target(
      name: "ContractSuite", dependencies: ["RoostContract"], path: "Tests/ContractSuite",
      swiftSettings: house),
    tests("Contract", use: ["Contract"], and: ["ContractSuite"]),
    tests("Model", use: ["Contract", "Model"], and: ["ContractSuite"]),
    tests("Bridges", use: ["Contract", "Bridges"]),
  ]
)
