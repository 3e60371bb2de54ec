// What the record encoder and decoder share: where they stand, how deep they may go, and how an
// error from anywhere inside becomes one `StoreError` that names the place.

/// A place in a list, as a coding key.
struct ElementKey: CodingKey {
  let index: Int

  init(_ index: Int) { self.index = index }

  init(intValue: Int) { index = intValue }

  init?(stringValue: String) {
    guard let index = Int(stringValue) else { return nil }
    self.index = index
  }

  var intValue: Int? { index }

  var stringValue: String { String(index) }
}

/// The key under which a class encodes what it inherits.
struct SuperKey: CodingKey {
  init() {}

  init?(intValue: Int) { nil }

  init?(stringValue: String) {
    guard Bytewise.equal(stringValue, "super") else { return nil }
  }

  var intValue: Int? { nil }

  var stringValue: String { "super" }
}

/// What the codec itself refuses: two facts and a remedy, and where.
struct CodingRefusal: Error {
  var code = StoreError.Code.invalidArgument
  var path: [any CodingKey]
  /// What is there, to stand behind the name of the place: `is 1e300`.
  var found: String
  var expected: String
  var remedy: String
}

/// One run of the encoder or decoder over one value.
final class CodingRun {
  /// Containers within containers that are followed; a little more than can be stored, so that a
  /// value which is slightly too deep is refused by the store, with its usual message.
  static let depthMax = Value.depthMax + 8
  /// Calls of `encode(to:)` and `init(from:)` inside each other.
  ///
  /// A container may take several, for optionals and wrappers; a type that never ends meets this
  /// limit before the end of the stack.
  private static let callsMax = 2 * depthMax

  private var calls = 0
  /// The first thing that went wrong where nothing could be thrown.
  private(set) var fault: CodingRefusal?
  /// Where the call stands that threw last.
  private var failurePath: [any CodingKey]?

  /// Remembers what went wrong in a place where nothing can be thrown.
  func note(_ refusal: CodingRefusal) {
    if fault == nil { fault = refusal }
  }

  /// Calls into a user's type, which may call back.
  func call<Result>(at path: [any CodingKey], _ body: () throws -> Result) throws -> Result {
    guard calls < Self.callsMax else { throw Self.tooDeep(path) }
    calls += 1
    defer { calls -= 1 }
    do {
      let result = try body()
      // An error that was thrown inside has been dealt with there.
      failurePath = nil
      if let fault { throw fault }
      return result
    } catch {
      // The innermost call comes first, and it knows the place best.
      if failurePath == nil { failurePath = path }
      throw error
    }
  }

  static func tooDeep(_ path: [any CodingKey]) -> CodingRefusal {
    CodingRefusal(
      code: .tooLarge, path: path, found: "is nested deeper than \(depthMax) values",
      expected: "metadata is at most \(Value.depthMax) containers deep",
      remedy: "Flatten the type, or break the circle of its references")
  }

  // MARK: Messages

  /// The error that a caller sees; `subject` is what was encoded or decoded, such as `record "a"`.
  func refusal(
    of error: any Error, subject: String, type: Any.Type, code: StoreError.Code
  ) -> any Error {
    func place(_ path: [any CodingKey]) -> String { Self.place(path, in: subject) }
    switch error {
    case is CancellationError:
      return error
    case let refusal as CodingRefusal:
      return StoreError(
        refusal.code, found: "\(place(refusal.path)) \(refusal.found)", expected: refusal.expected,
        remedy: refusal.remedy)
    case DecodingError.typeMismatch(let wanted, let context):
      // The type's own reason is in the message; an error of the user's making is kept whole.
      let reason = context.underlyingError as? StoreError
      return StoreError(
        code, found: "\(place(context.codingPath)) \(context.debugDescription)",
        expected: reason?.expected ?? "\(type) reads \(wanted) there",
        remedy: "Mend the stored record, or change the property",
        cause: reason == nil ? context.underlyingError : nil)
    case DecodingError.valueNotFound(let wanted, let context):
      return StoreError(
        code, found: "\(place(context.codingPath)) \(context.debugDescription)",
        expected: "\(type) reads \(wanted) there",
        remedy: "Mend the stored record, or make the property optional",
        cause: context.underlyingError)
    case DecodingError.keyNotFound(let key, let context):
      return StoreError(
        code, found: "\(place(context.codingPath + [key])) is missing",
        expected: "\(type) reads it, and it is not optional",
        remedy: "Mend the stored record, or make the property optional",
        cause: context.underlyingError)
    case DecodingError.dataCorrupted(let context):
      return StoreError(
        code, found: "\(place(context.codingPath)) cannot be read: \(context.debugDescription)",
        expected: "\(type) takes what is stored", remedy: "Mend the stored record, or the type",
        cause: error)
    case EncodingError.invalidValue(_, let context):
      return StoreError(
        code, found: "\(place(context.codingPath)) cannot be written: \(context.debugDescription)",
        expected: "\(type) encodes every value it can have", remedy: "Mend the value, or the type",
        cause: error)
    default:
      return StoreError(
        code, found: "the code of \(type) threw an error at \(place(failurePath ?? []))",
        expected: "each of its values goes into a record and comes out of it",
        remedy: "See the cause, and mend the value or the type", cause: error)
    }
  }

  private static func place(_ path: [any CodingKey], in subject: String) -> String {
    guard !path.isEmpty else { return subject }
    return "\(quoted(path.map(\.stringValue).joined(separator: "."))) of \(subject)"
  }
}
