internal import RoostContract
internal import RoostEngine
internal import RoostFiles
internal import Synchronization

// What C gets for a store, a collection or hits is a number that looks like a pointer. It is looked
// up in a table at every use, so that a wrong one is an error and not a crash. No number is given
// out twice.

/// What a handle can stand for.
enum HandleKind: UInt {
  case store = 1
  case collection
  case hits

  /// The kind in words.
  var words: String {
    switch self {
    case .store: "a store"
    case .collection: "a collection"
    case .hits: "hits"
    }
  }
}

/// The handles of this process.
final class HandleTable: Sendable {
  /// What a handle stands for.
  private enum Held: Sendable {
    case store(Store)
    case collection(StoreCollection)
    case hits(SearchHits)
  }

  private struct State {
    var issued: UInt = 0
    var held: [UInt: Held] = [:]
  }

  private static let kindBits: UInt = 3
  private static let serialBits = UInt(UInt.bitWidth) - 8 - kindBits

  private let process: Int64
  /// How many forks lie between this process and the first that had handles.
  private let generation: UInt
  private let state = Monitor(State())

  private init(process: Int64, generation: UInt) {
    self.process = process
    self.generation = generation & 0xFF
  }

  // MARK: The table of this process

  /// The address of the table, which is never freed.
  private static let current = Atomic<UInt>(0)

  /// The table of this process; a forked child has one of its own, for its parent's may be locked
  /// for ever, and its stores must not be touched.
  static var shared: HandleTable {
    let process = PosixFileSystem.currentProcess()
    while true {
      let address = current.load(ordering: .acquiring)
      let found = table(at: address)
      if let found, found.process == process { return found }
      let made = HandleTable(
        process: process, generation: found.map { $0.generation &+ 1 } ?? 0)
      let pointer = unsafe Unmanaged.passRetained(made)
      let (isFirst, _) = current.compareExchange(
        expected: address, desired: unsafe UInt(bitPattern: pointer.toOpaque()),
        ordering: .acquiringAndReleasing)
      if isFirst { return made }
      unsafe pointer.release()
    }
  }

  private static func table(at address: UInt) -> HandleTable? {
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { return nil }
    return unsafe Unmanaged<HandleTable>.fromOpaque(pointer).takeUnretainedValue()
  }

  // MARK: Giving out

  /// A handle to a store.
  func add(_ store: Store) throws -> OpaquePointer { try unsafe add(.store(store), .store) }

  /// A handle to a collection.
  func add(_ collection: StoreCollection) throws -> OpaquePointer {
    try unsafe add(.collection(collection), .collection)
  }

  /// A handle to hits.
  func add(_ hits: SearchHits) throws -> OpaquePointer { try unsafe add(.hits(hits), .hits) }

  private func add(_ held: Held, _ kind: HandleKind) throws -> OpaquePointer {
    let serial: UInt? = state.withLock { state in
      guard state.issued < (1 << Self.serialBits) - 1 else { return nil }
      state.issued += 1
      state.held[state.issued] = held
      return state.issued
    }
    let bits = serial.map { serial in
      generation << (Self.serialBits + Self.kindBits) | serial << Self.kindBits | kind.rawValue
    }
    guard let bits, let handle = unsafe OpaquePointer(bitPattern: bits) else {
      throw StoreError(
        .tooLarge, found: "every number for a handle has been given out",
        expected: "a process asks for fewer", remedy: "Start the process anew")
    }
    return unsafe handle
  }

  // MARK: Taking back

  /// What a handle to a store stands for.
  @safe func store(_ handle: OpaquePointer?) throws -> Store {
    guard case .store(let store) = try held(UInt(bitPattern: handle), .store) else {
      throw Self.wrong(UInt(bitPattern: handle), .store)
    }
    return store
  }

  /// What a handle to a collection stands for.
  @safe func collection(_ handle: OpaquePointer?) throws -> StoreCollection {
    guard case .collection(let collection) = try held(UInt(bitPattern: handle), .collection) else {
      throw Self.wrong(UInt(bitPattern: handle), .collection)
    }
    return collection
  }

  /// What a handle to hits stands for.
  @safe func hits(_ handle: OpaquePointer?) throws -> SearchHits {
    guard case .hits(let hits) = try held(UInt(bitPattern: handle), .hits) else {
      throw Self.wrong(UInt(bitPattern: handle), .hits)
    }
    return hits
  }

  /// Ends a handle, and answers the store that it stood for.
  @safe func removeStore(_ handle: OpaquePointer?) throws -> Store {
    let serial = try serial(of: UInt(bitPattern: handle), .store)
    guard case .store(let store)? = state.withLock({ $0.held.removeValue(forKey: serial) }) else {
      throw Self.released(.store)
    }
    return store
  }

  /// Ends a handle of a kind, if it is one.
  @safe func release(_ handle: OpaquePointer?, _ kind: HandleKind) {
    do {
      let serial = try serial(of: UInt(bitPattern: handle), kind)
      // What it stood for must not end with the lock held: that may take its time.
      let held = state.withLock { $0.held.removeValue(forKey: serial) }
      withExtendedLifetime(held) {}
    } catch {
      // Nothing is there to be released.
    }
  }

  private func held(_ bits: UInt, _ kind: HandleKind) throws -> Held {
    let serial = Self.serial(in: bits)
    // What is held was given out, so that one look is enough.
    if Self.kind(in: bits) == kind.rawValue,
      bits >> (Self.serialBits + Self.kindBits) == generation,
      let held = state.withLock({ $0.held[serial] })
    {
      return held
    }
    _ = try self.serial(of: bits, kind)
    throw Self.released(kind)
  }

  private static func serial(in bits: UInt) -> UInt {
    bits >> kindBits & ((1 << serialBits) - 1)
  }

  private static func kind(in bits: UInt) -> UInt { bits & ((1 << kindBits) - 1) }

  /// The number of a handle that was given out in this process for something of a kind.
  private func serial(of bits: UInt, _ kind: HandleKind) throws -> UInt {
    guard bits != 0 else {
      throw StoreError(
        .invalidArgument, found: "the handle is NULL", expected: "it is a handle to \(kind.words)",
        remedy: "Look at the status of the call that should have given it")
    }
    let serial = Self.serial(in: bits)
    guard Self.kind(in: bits) == kind.rawValue, serial > 0 else {
      throw Self.wrong(bits, kind)
    }
    let from = bits >> (Self.serialBits + Self.kindBits)
    if from != generation, from < generation {
      throw StoreError(
        .closed, found: "the handle to \(kind.words) was made before this process was forked",
        expected: "a process uses its own handles", remedy: "Open the store after the fork")
    }
    guard from == generation, serial <= state.withLock(\.issued) else {
      throw Self.wrong(bits, kind)
    }
    return serial
  }

  private static func wrong(_ bits: UInt, _ kind: HandleKind) -> StoreError {
    let other = HandleKind(rawValue: Self.kind(in: bits))
    let found =
      other != nil && other != kind && bits >> (serialBits + kindBits) <= 0xFF
        && serial(in: bits) <= shared.state.withLock(\.issued)
      ? "the handle stands for \(other.map(\.words) ?? "")" : "the pointer is no handle"
    return StoreError(
      .invalidArgument, found: found, expected: "it is a handle to \(kind.words)",
      remedy: "Give the handle that the library gave out")
  }

  private static func released(_ kind: HandleKind) -> StoreError {
    StoreError(
      .closed, found: "the handle to \(kind.words) was released",
      expected: "a handle is used before it is released", remedy: "Ask for a new handle")
  }
}
