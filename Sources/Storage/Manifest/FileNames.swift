/// The files of a store, all in one directory.
///
/// Names hold numbers only; what users call things never becomes part of a path.
package enum FileName: Hashable, Sendable {
  /// Locked by whoever writes; never deleted.
  case lock
  /// The state of the store.
  case manifest
  /// An earlier manifest, kept for repair.
  case oldManifest(UInt64)
  /// A write-ahead log.
  case log(UInt64)
  /// Rows, vectors, metadata and content.
  case segment(UInt64)
  /// What makes searching a segment fast.
  case index(UInt64)
  /// A hint of what is durable.
  case state
  /// Space that is set aside for a full disk.
  case reserve
  /// Unfinished work: garbage by definition.
  case temporary(UInt64)

  /// The name in the directory.
  package var name: String {
    switch self {
    case .lock: "LOCK"
    case .manifest: "MANIFEST"
    case .oldManifest(let generation): "MANIFEST.g" + Self.hex(generation)
    case .log(let number): "w-" + Self.hex(number) + ".wal"
    case .segment(let number): "s-" + Self.hex(number) + ".seg"
    case .index(let number): "x-" + Self.hex(number) + ".idx"
    case .state: "STATE"
    case .reserve: "RESERVE"
    case .temporary(let number): "t-" + Self.hex(number)
    }
  }

  /// The file that a name stands for; nil for names that no store writes.
  package init?(_ name: String) {
    switch name {
    case "LOCK": self = .lock
    case "MANIFEST": self = .manifest
    case "STATE": self = .state
    case "RESERVE": self = .reserve
    default:
      if let number = Self.number(in: name, between: "MANIFEST.g", and: "") {
        self = .oldManifest(number)
      } else if let number = Self.number(in: name, between: "w-", and: ".wal") {
        self = .log(number)
      } else if let number = Self.number(in: name, between: "s-", and: ".seg") {
        self = .segment(number)
      } else if let number = Self.number(in: name, between: "x-", and: ".idx") {
        self = .index(number)
      } else if let number = Self.number(in: name, between: "t-", and: "") {
        self = .temporary(number)
      } else {
        return nil
      }
    }
  }

  /// Sixteen digits, so that names sort as their numbers do.
  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func number(
    in name: String, between prefix: String, and suffix: String
  ) -> UInt64? {
    // Upper case and signs are readable as numbers too, but nobody wrote them; nor anything else
    // before and behind the digits.
    guard let number = UInt64(name.dropFirst(prefix.count).prefix(16), radix: 16),
      prefix + hex(number) + suffix == name
    else { return nil }
    return number
  }
}
