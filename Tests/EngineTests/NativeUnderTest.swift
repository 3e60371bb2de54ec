import ContractSuite
import RoostContract
import RoostEngine
import RoostFiles
import Testing

/// A native store as the suite sees it, on one of the ways in which it can be kept.
struct NativeUnderTest: StoreUnderTest, CustomTestStringConvertible {
  /// How the store under test is kept.
  enum Way: Sendable {
    /// In memory.
    case simulated
    /// In a directory of its own.
    case real
    /// In memory, with so little room that nearly everything is in segments.
    case crowded
    /// In memory, closed and opened again after every write.
    case reopened
    /// In a directory, every read answered by a store that only reads.
    case followed
  }

  let name: String
  let way: Way

  var testDescription: String { name }
  var capabilities: Capabilities { Capabilities() }

  static let simulated = NativeUnderTest(name: "the engine in memory", way: .simulated)
  static let real = NativeUnderTest(name: "the engine on files", way: .real)
  static let crowded = NativeUnderTest(name: "the engine with little memory", way: .crowded)
  static let reopened = NativeUnderTest(name: "the engine opened anew", way: .reopened)
  static let followed = NativeUnderTest(name: "the engine and its follower", way: .followed)

  func makeStore() async throws -> any VectorStore {
    switch way {
    case .simulated:
      return try Store.inMemory()
    case .crowded:
      return try Store.open(
        at: "/store", on: SimulatedFileSystem(seed: 1),
        options: StoreOptions(memoryLimit: 1, background: false))
    case .real:
      return try Store.open(at: try ScratchDirectory().path)
    case .reopened:
      return try ReopeningStore(SimulatedFileSystem(seed: 1))
    case .followed:
      return try FollowedStore(path: try ScratchDirectory().path)
    }
  }

  func plantOlderCollection(
    in store: any VectorStore, spec: CollectionSpec, hasMetadata: Bool, hasContent: Bool,
    records: [Record]
  ) async throws {
    let native =
      store as? Store ?? (store as? ReopeningStore)?.current ?? (store as? FollowedStore)?.writer
    try #require(native).plantOlderCollection(
      spec, hasMetadata: hasMetadata, hasContent: hasContent, records: records)
  }

  func discard(_ store: any VectorStore) async throws {
    let native =
      store as? Store ?? (store as? ReopeningStore)?.current ?? (store as? FollowedStore)?.writer
    let found = try #require(native)
    try found.close()
    if way == .real || way == .followed { ScratchDirectory.remove(found.path) }
  }
}

@Suite("The engine keeps the contract")
struct NativeLawTests {
  @Test("the engine in memory keeps every law", arguments: ContractSuite.laws)
  func simulated(_ law: Law) async throws { try await law.run(on: NativeUnderTest.simulated) }

  @Test("the engine on files keeps every law", arguments: ContractSuite.laws)
  func real(_ law: Law) async throws { try await law.run(on: NativeUnderTest.real) }

  @Test("the engine with little memory keeps every law", arguments: ContractSuite.laws)
  func crowded(_ law: Law) async throws { try await law.run(on: NativeUnderTest.crowded) }

  @Test("the engine that is opened anew after every write keeps every law", arguments: alone)
  func reopened(_ law: Law) async throws { try await law.run(on: NativeUnderTest.reopened) }

  @Test(
    "the engine read by another handle that follows keeps every law", arguments: ContractSuite.laws)
  func followed(_ law: Law) async throws { try await law.run(on: NativeUnderTest.followed) }

  /// Laws in which nobody else writes while the store is closed for a moment.
  private static let alone = ContractSuite.chapters.filter { $0.title != "Concurrency" }
    .flatMap(\.laws)
}
