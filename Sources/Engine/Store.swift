public import RoostContract
package import RoostFiles
internal import RoostStorage

/// A store in one directory, of which this process is the only writer or one of any number of
/// readers.
///
/// Every call has two forms of one name: in synchronous code it waits where it is called, in
/// asynchronous code a write waits on a thread of the store, never on one of the cooperative pool.
public final class Store: VectorStore {
  /// How a store is opened.
  public typealias Options = StoreOptions

  /// What a native store can do.
  static let nativeCapabilities = Capabilities()

  let core: StoreCore
  /// Where the store is.
  public let path: String

  init(core: StoreCore, path: String) {
    self.core = core
    self.path = path
  }

  deinit {
    do {
      try core.close(flushing: false)
    } catch {
      // What was acknowledged is in the log; the next open brings it in order.
    }
  }

  // MARK: Opening and closing

  /// Opens the store in a directory; makes it when it is missing and the options allow that.
  public static func open(at path: String, options: Options = Options()) throws -> Store {
    try open(at: path, on: PosixFileSystem.shared, options: options)
  }

  /// The same on another file system.
  package static func open(
    at path: String, on fileSystem: any FileSystem, options: Options = Options()
  ) throws -> Store {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw StoreError(
        .invalidArgument, found: "the path is \(quoted(path))",
        expected: "a path names a directory", remedy: "Give the store's directory")
    }
    return Store(core: try Recovery.open(path, on: fileSystem, options), path: path)
  }

  /// A store of its own that ends with the last reference to it: the same engine, on files in
  /// memory.
  public static func inMemory() throws -> Store {
    let disk = SimulatedFileSystem(seed: PosixFileSystem.shared.random())
    return try open(at: "/memory", on: disk, options: Options(background: false))
  }

  /// Ends the store; what is in memory becomes segments first, so that the next open is quick.
  ///
  /// Without it nothing is lost that was acknowledged. Calls after it are `.closed`.
  public func close() throws { try core.close(flushing: true) }

  /// Makes every write durable, in segments.
  public func checkpoint() throws { try core.checkpoint() }

  /// Makes every write durable, in segments.
  public func checkpoint() async throws { try await offPool { try self.core.checkpoint() } }

  /// Merges segments and drops what is dead, as far as anything is gained by it.
  public func compact(progress: (@Sendable (Progress) -> Void)? = nil) throws {
    try core.compact(.everything, progress: progress)
  }

  /// Shows what was committed since, in a store that only reads; false when there was nothing new.
  @discardableResult
  public func refresh() throws -> Bool { try core.refresh() }

  /// Runs work that may wait for a disk on a thread that may wait.
  func offPool<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
      do throws(FileError) {
        _ = try core.fileSystem.startThread("roost-work") {
          do {
            continuation.resume(returning: try body())
          } catch {
            continuation.resume(throwing: error)
          }
        }
      } catch {
        continuation.resume(throwing: StoreError(error, .lock))
      }
    }
  }

  // MARK: Collections

  /// What the store can do, and within which limits.
  public var capabilities: Capabilities { core.capabilities }

  /// Makes a collection be there; one that differs is a schema mismatch.
  @discardableResult
  public func ensureCollection(_ spec: CollectionSpec) throws -> StoreCollection {
    let spec = try core.validation.checked(spec)
    if try !core.isEnsured(spec) { _ = try core.commit(StoreCore.ensuring(spec)) }
    return collection(spec.name, dimension: spec.dimension, metric: spec.metric)
  }

  /// Makes a collection be there; one that differs is a schema mismatch.
  @discardableResult
  public func ensureCollection(_ spec: CollectionSpec) async throws -> StoreCollection {
    let spec = try core.validation.checked(spec)
    if try !core.isEnsured(spec) {
      _ = try await core.commitAsync { StoreCore.ensuring(spec, whenDone: $0) }
    }
    return collection(spec.name, dimension: spec.dimension, metric: spec.metric)
  }

  /// A handle to a collection, without looking whether it is there.
  public func collection(_ name: String, dimension: Int, metric: Metric) -> StoreCollection {
    StoreCollection(store: self, name: name, dimension: dimension, metric: metric)
  }

  /// The collection of this name; none is `.notFound`.
  public func collection(_ name: String) throws -> StoreCollection {
    guard let view = try core.snapshot().collections[BytewiseKey(name)] else {
      throw Validation.noCollection(name)
    }
    return collection(name, dimension: view.entry.dimension, metric: view.entry.metric)
  }

  /// The collections, by name.
  public func listCollections() throws -> [CollectionSpec] {
    try core.snapshot().collections.sorted { $0.key < $1.key }.map(\.value.spec)
  }

  /// The collections, by name.
  public func listCollections() async throws -> [CollectionSpec] {
    let list: () throws -> [CollectionSpec] = listCollections
    return try list()
  }

  /// Ends a collection and its records; false when there was none.
  @discardableResult
  public func dropCollection(_ name: String) throws -> Bool {
    try core.commit(StoreCore.dropping(name)) > 0
  }

  /// Ends a collection and its records; false when there was none.
  @discardableResult
  public func dropCollection(_ name: String) async throws -> Bool {
    try await core.commitAsync { StoreCore.dropping(name, whenDone: $0) } > 0
  }
}

extension StoreCore {
  /// Whether a collection is there as it should be; throws when it differs.
  func isEnsured(_ spec: CollectionSpec) throws -> Bool {
    guard let view = try snapshot().collections[BytewiseKey(spec.name)],
      // After a failed write nobody knows what the next opening finds: the write is to say so.
      published.withLock({ $0.failure == nil })
    else { return false }
    return try !StoreCore.needsMigration(spec, view.entry, validation)
  }

  private static func needsMigration(
    _ spec: CollectionSpec, _ entry: CollectionEntry, _ validation: Validation
  ) throws -> Bool {
    for (isThere, part) in [(entry.hasMetadata, "metadata"), (entry.hasContent, "content")]
    where !isThere && spec.mode == .strict {
      throw StoreError(
        .schemaMismatch, found: "collection \(quoted(spec.name)) has no \(part)",
        expected: "a strict collection has every part",
        remedy: "Ensure it with mode auto_migrate, which adds the part")
    }
    try validation.check(spec, matches: entry.spec)
    return !entry.hasMetadata || !entry.hasContent
  }

  static func ensuring(
    _ spec: CollectionSpec, whenDone: (@Sendable (Result<Int, any Error>) -> Void)? = nil
  ) -> WriteRequest {
    WriteRequest(isAlone: true, whenDone: whenDone) { core, _ in
      var effects = Effects()
      if let state = core.tables.collection(named: spec.name) {
        if try needsMigration(spec, state.entry, core.validation) {
          effects.operations = [.migrateCollection(state.entry.number)]
        }
      } else {
        let entry = CollectionEntry(
          number: core.tables.nextCollection, name: spec.name, dimension: spec.dimension,
          metric: spec.metric, element: spec.element, mode: spec.mode, created: core.lsn + 1)
        effects.operations = [.createCollection(entry)]
      }
      return effects
    }
  }

  static func dropping(
    _ name: String, whenDone: (@Sendable (Result<Int, any Error>) -> Void)? = nil
  ) -> WriteRequest {
    WriteRequest(isAlone: true, onlyFrees: true, whenDone: whenDone) { core, _ in
      guard let state = core.tables.collection(named: Bytewise.trimmed(name)) else {
        return Effects()
      }
      return Effects(operations: [.dropCollection(state.entry.number)], answer: 1)
    }
  }

  /// Does a write on the store's own thread; without one, here.
  func commitAsync(
    _ make: (_ whenDone: (@Sendable (Result<Int, any Error>) -> Void)?) -> WriteRequest
  ) async throws -> Int {
    try Task.checkCancellation()
    guard options.background else {
      let request = make(nil)
      let commit: (WriteRequest) throws -> Int = commit
      return try commit(request)
    }
    return try await withCheckedThrowingContinuation { continuation in
      let request = make { continuation.resume(with: $0) }
      do {
        try submit(request)
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}

extension PosixFileSystem {
  /// The operating system.
  static let shared = PosixFileSystem()
}

extension Store {
  /// Makes a collection as an older version could have left it, without its optional parts.
  package func plantOlderCollection(
    _ spec: CollectionSpec, hasMetadata: Bool, hasContent: Bool, records: [Record]
  ) throws {
    let request = WriteRequest(isAlone: true) { core, _ in
      let entry = CollectionEntry(
        number: core.tables.nextCollection, name: spec.name, dimension: spec.dimension,
        metric: spec.metric, element: spec.element, mode: spec.mode, hasMetadata: hasMetadata,
        hasContent: hasContent, created: core.lsn + 1)
      let puts = records.map { record in
        Operation.put(
          collection: entry.number,
          StoredRecord(
            id: record.id, vector: record.vector ?? [],
            metadata: hasMetadata ? record.metadata ?? [:] : [:],
            content: hasContent ? record.content : nil))
      }
      return Effects(operations: [.createCollection(entry)] + puts)
    }
    _ = try core.commit(request)
  }
}
