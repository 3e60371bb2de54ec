/// Why a store refused or failed: a code to act on, two facts, a remedy, and the cause if there is
/// one.
///
/// Every throwing call of the contract throws a `StoreError` or a `CancellationError`, nothing
/// else. Match a code with `catch StoreError.dimensionMismatch`.
public struct StoreError: Error, Sendable {
  /// What kind of failure this is.
  public let code: Code
  /// The first fact: what the store met.
  public let found: String
  /// The second fact: what it could have accepted.
  public let expected: String
  /// What the caller can do about it.
  public let remedy: String
  /// The error below this one, where there was one.
  public let cause: (any Error)?

  /// Makes an error of two facts and a remedy; none of the three is a full sentence on its own.
  public init(
    _ code: Code, found: String, expected: String, remedy: String, cause: (any Error)? = nil
  ) {
    self.code = code
    self.found = found
    self.expected = expected
    self.remedy = remedy
    self.cause = cause
  }

  /// The two facts and the remedy as one line.
  public var message: String { "\(found); \(expected). \(remedy)." }
}

extension StoreError {
  /// The kind of a failure, by name; open, so that a later store can add its own.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name used in JSON, C and logs.
    public let rawValue: String

    /// A code by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The name of the code.
    public var description: String { rawValue }
  }
}

extension StoreError.Code {
  /// There is no such record or collection.
  public static let notFound = Self(rawValue: "not_found")
  /// An insert met an id that is taken.
  public static let alreadyExists = Self(rawValue: "already_exists")
  /// A vector has another length than its collection.
  public static let dimensionMismatch = Self(rawValue: "dimension_mismatch")
  /// A collection or index is not, or cannot be, what was asked for.
  public static let schemaMismatch = Self(rawValue: "schema_mismatch")
  /// A filter has no meaning.
  public static let invalidFilter = Self(rawValue: "invalid_filter")
  /// An argument has no meaning.
  public static let invalidArgument = Self(rawValue: "invalid_argument")
  /// The store says in its capabilities that it does not do this.
  public static let unsupported = Self(rawValue: "unsupported")
  /// Stored bytes are not what was written.
  public static let corrupted = Self(rawValue: "corrupted")
  /// The operating system failed a read or a write.
  public static let io = Self(rawValue: "io")
  /// There is no room left.
  public static let diskFull = Self(rawValue: "disk_full")
  /// Another process holds the store.
  public static let locked = Self(rawValue: "locked")
  /// The store is closed.
  public static let closed = Self(rawValue: "closed")
  /// The store was opened for reading.
  public static let readOnly = Self(rawValue: "read_only")
  /// It is unknown whether the write happened.
  public static let indeterminate = Self(rawValue: "indeterminate")
  /// Something passes a named limit.
  public static let tooLarge = Self(rawValue: "too_large")
  /// There is no memory left.
  public static let outOfMemory = Self(rawValue: "out_of_memory")
  /// The work was cancelled.
  public static let cancelled = Self(rawValue: "cancelled")
  /// The work took longer than it may.
  public static let timeout = Self(rawValue: "timeout")
  /// The store cannot be reached.
  public static let unavailable = Self(rawValue: "unavailable")
  /// The operating system or the server forbids it.
  public static let permission = Self(rawValue: "permission")

  /// Every code of this version, in the order in which C numbers them from 1.
  public static let all: [Self] = [
    notFound, alreadyExists, dimensionMismatch, schemaMismatch, invalidFilter, invalidArgument,
    unsupported, corrupted, io, diskFull, locked, closed, readOnly, indeterminate, tooLarge,
    outOfMemory, cancelled, timeout, unavailable, permission,
  ]
}

// The codes once more under the error's own name, so that `catch StoreError.notFound` reads well.
extension StoreError {
  /// There is no such record or collection.
  public static var notFound: Code { .notFound }
  /// An insert met an id that is taken.
  public static var alreadyExists: Code { .alreadyExists }
  /// A vector has another length than its collection.
  public static var dimensionMismatch: Code { .dimensionMismatch }
  /// A collection or index is not, or cannot be, what was asked for.
  public static var schemaMismatch: Code { .schemaMismatch }
  /// A filter has no meaning.
  public static var invalidFilter: Code { .invalidFilter }
  /// An argument has no meaning.
  public static var invalidArgument: Code { .invalidArgument }
  /// The store says in its capabilities that it does not do this.
  public static var unsupported: Code { .unsupported }
  /// Stored bytes are not what was written.
  public static var corrupted: Code { .corrupted }
  /// The operating system failed a read or a write.
  public static var io: Code { .io }
  /// There is no room left.
  public static var diskFull: Code { .diskFull }
  /// Another process holds the store.
  public static var locked: Code { .locked }
  /// The store is closed.
  public static var closed: Code { .closed }
  /// The store was opened for reading.
  public static var readOnly: Code { .readOnly }
  /// It is unknown whether the write happened.
  public static var indeterminate: Code { .indeterminate }
  /// Something passes a named limit.
  public static var tooLarge: Code { .tooLarge }
  /// There is no memory left.
  public static var outOfMemory: Code { .outOfMemory }
  /// The work was cancelled.
  public static var cancelled: Code { .cancelled }
  /// The work took longer than it may.
  public static var timeout: Code { .timeout }
  /// The store cannot be reached.
  public static var unavailable: Code { .unavailable }
  /// The operating system or the server forbids it.
  public static var permission: Code { .permission }
}

/// Lets `catch StoreError.notFound` match an error by its code.
public func ~= (code: StoreError.Code, error: any Error) -> Bool {
  (error as? StoreError)?.code == code
}

extension StoreError: CustomStringConvertible {
  /// The code, the message and the cause, for logs.
  public var description: String {
    let line = "\(code): \(message)"
    guard let cause else { return line }
    return "\(line) (cause: \(cause))"
  }
}

extension StoreError {
  /// The JSON form of an error: its code, message and cause.
  public var json: String {
    var fields: Metadata = ["code": .string(code.rawValue), "message": .string(message)]
    switch cause {
    case nil: fields["cause"] = .null
    case let error as StoreError: fields["cause"] = .string(error.description)
    case let error?: fields["cause"] = .string(String(describing: error))
    }
    return Value.object(fields).json
  }
}

/// A name or id as it may stand in a message: quoted, without control characters, at most 64 long.
package func quoted(_ text: String) -> String {
  var out = "\""
  var count = 0
  for scalar in text.unicodeScalars {
    guard count < 64 else {
      return out + "…\" (\(text.utf8.count) bytes)"
    }
    switch scalar {
    case "\"": out += "\\\""
    case "\\": out += "\\\\"
    default:
      if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      {
        out += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    count += 1
  }
  return out + "\""
}
