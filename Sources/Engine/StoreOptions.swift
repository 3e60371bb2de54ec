internal import RoostContract

/// How a store is opened.
public struct StoreOptions: Sendable, Equatable {
  /// Whether this process may write.
  public enum Access: String, Sendable, CaseIterable {
    /// Reads and writes; one process at a time.
    case readWrite = "read_write"
    /// Reads what others write; any number of processes.
    case readOnly = "read_only"
  }

  /// When a write is acknowledged, and so what it survives.
  public enum Durability: Sendable, Equatable {
    /// After its own or a shared sync: survives a power cut.
    case sync
    /// The same, waiting up to this long for others to share the sync with.
    case group(maxDelay: Duration)
    /// After the write: survives the end of the process; a power cut may take a suffix of at most
    /// this long.
    case buffered(maxDelay: Duration)
    /// At once: nothing is promised until `checkpoint()`.
    case bulk
  }

  /// How segments are read.
  public enum Reading: String, Sendable, CaseIterable {
    /// Mapped into memory.
    case mapped = "mmap"
    /// Copied into memory at open: for files that somebody else may cut off, and for remote disks.
    case copied = "pread"
  }

  /// Whether this process may write.
  public var access: Access
  /// When a write is acknowledged.
  public var durability: Durability
  /// Whether a store that is missing is made.
  public var create: Bool
  /// How segments are read.
  public var reading: Reading
  /// The bytes of records that are kept in memory before they become segments.
  public var memoryLimit: Int
  /// Whether a thread of the store makes segments and merges them; without it, the writers do.
  public var background: Bool
  /// How many threads build an index.
  public var indexThreads = 2
  /// The bytes of memory that building an index may take; rows that would need more have several
  /// indexes.
  public var indexMemoryLimit = 4 << 30
  /// The bytes of logs that are kept after they became segments, for readers of the change feed who
  /// pause.
  public var keptLogBytes = 0
  /// The bytes that are set aside for a full disk.
  package var reserve = 8 << 20
  /// The rows from which on a segment is given an index: fewer are scanned as quickly.
  package var indexedRows = 2_000
  /// Whether an index is used even where looking at all rows by their codes costs less, as it does
  /// among few: for tests of indexes.
  package var prefersIndexes = false

  /// Options as most want them.
  public init(
    access: Access = .readWrite, durability: Durability = .sync, create: Bool = true,
    reading: Reading = .mapped, memoryLimit: Int = 48 << 20, background: Bool = true
  ) {
    self.access = access
    self.durability = durability
    self.create = create
    self.reading = reading
    self.memoryLimit = memoryLimit
    self.background = background
  }
}

extension StoreOptions {
  /// Reads options from their JSON form; what is left out is as most want it.
  public init(json text: String) throws {
    self.init()
    for (name, value) in try Metadata(json: text) {
      switch name {
      case "access": access = try Self.choice(value, of: name)
      case "io": reading = try Self.choice(value, of: name)
      case "durability": durability = try Self.durability(value)
      case "create": create = try Self.flag(value, of: name)
      case "background": background = try Self.flag(value, of: name)
      case "memory_limit_mb":
        guard case .int(let megabytes) = value, (1...1_048_576).contains(megabytes) else {
          throw Self.refusal(name, value, "a whole number from 1 to 1048576")
        }
        memoryLimit = Int(megabytes) << 20
      case "index_threads":
        guard case .int(let threads) = value, (1...1_024).contains(threads) else {
          throw Self.refusal(name, value, "a whole number from 1 to 1024")
        }
        indexThreads = Int(threads)
      case "index_memory_mb":
        guard case .int(let megabytes) = value, (1...1_048_576).contains(megabytes) else {
          throw Self.refusal(name, value, "a whole number from 1 to 1048576")
        }
        indexMemoryLimit = Int(megabytes) << 20
      case "kept_log_mb":
        guard case .int(let megabytes) = value, (0...1_048_576).contains(megabytes) else {
          throw Self.refusal(name, value, "a whole number from 0 to 1048576")
        }
        keptLogBytes = Int(megabytes) << 20
      default:
        throw Self.refusal(
          name, value,
          "access, durability, create, io, memory_limit_mb, kept_log_mb, index_threads,"
            + " index_memory_mb or background"
        )
      }
    }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ value: Value, of name: String
  ) throws -> Choice {
    if case .string(let text) = value, let choice = Choice(rawValue: text) { return choice }
    throw refusal(name, value, Choice.allCases.map(\.rawValue).joined(separator: " or "))
  }

  private static func flag(_ value: Value, of name: String) throws -> Bool {
    guard case .bool(let flag) = value else { throw refusal(name, value, "true or false") }
    return flag
  }

  private static func durability(_ value: Value) throws -> Durability {
    switch value {
    case .string("sync"): return .sync
    case .string("bulk"): return .bulk
    case .object(let form) where form.count == 1:
      if case .int(let delay)? = form["group_ms"], (0...10_000).contains(delay) {
        return .group(maxDelay: .milliseconds(delay))
      }
      if case .int(let delay)? = form["buffered_ms"], (0...10_000).contains(delay) {
        return .buffered(maxDelay: .milliseconds(delay))
      }
    default: break
    }
    throw refusal(
      "durability", value, "\"sync\", \"bulk\", {\"group_ms\":5} or {\"buffered_ms\":200}")
  }

  private static func refusal(_ name: String, _ value: Value, _ expected: String) -> StoreError {
    StoreError(
      .invalidArgument, found: "store option \(quoted(name)) is \(value.json)",
      expected: "it is \(expected)", remedy: "Correct the options")
  }
}
