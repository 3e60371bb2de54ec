/// A field of records whose type is known, so that a wrong comparison does not compile.
///
/// Declare fields once and filter with operators: `$0.language == "en" && $0.year >= 2020`.
public struct Field<Content>: Sendable {
  /// Where the field is.
  public let path: FieldPath

  /// A field at a path.
  public init(at path: FieldPath) { self.path = path }

  /// A field that is a path into the metadata.
  public init(_ segments: String...) { path = .metadata(segments) }

  /// A field that is a path of coding keys into the metadata.
  public init(_ keys: any CodingKey...) { path = .metadata(keys.map(\.stringValue)) }

  /// A member of this field.
  public func member<Member>(
    _ name: String, of type: Member.Type = Member.self
  ) -> Field<Member> {
    Field<Member>(at: path.appending(name))
  }

  /// Whether the record has this field, null included.
  public var exists: Filter { .exists(path) }
}

extension Field where Content == String {
  /// The id of a record.
  public static var id: Field { Field(at: .id) }
  /// The content of a record.
  public static var content: Field { Field(at: .content) }

  /// Whether the text matches a pattern in which `*` stands for any run of characters.
  public func isLike(_ pattern: String) -> Filter { .like(path, pattern) }
}

extension Field where Content: RandomAccessCollection {
  /// An element of an array; a negative place counts from the end.
  public subscript(_ place: Int) -> Field<Content.Element> {
    Field<Content.Element>(at: path.appending(String(place)))
  }
}

extension FieldPath {
  /// The path one segment longer.
  public func appending(_ segment: String) -> FieldPath {
    guard case .column(let name) = root else { return .metadata(segments + [segment]) }
    return FieldPath(root: .column(name + "." + segment), segments: [], fault: .unknownColumn)
  }
}

/// A type that a field can be compared with: it is one JSON value.
public protocol ValueConvertible {
  /// The JSON value that this is.
  var value: Value { get }
}

extension Value: ValueConvertible {
  /// The value itself.
  public var value: Value { self }
}

extension String: ValueConvertible {
  /// The text.
  public var value: Value { .string(self) }
}

extension Bool: ValueConvertible {
  /// The truth value.
  public var value: Value { .bool(self) }
}

extension Double: ValueConvertible {
  /// The number.
  public var value: Value { .double(self) }
}

extension Float: ValueConvertible {
  /// The number, by the shortest decimal that reads back as this `Float`.
  public var value: Value {
    // Twice rounded, a decimal can miss its `Float`; then the exact number has more digits.
    let short = Double(description) ?? Double(self)
    return .double(Float(short) == self ? short : Double(self))
  }
}

extension FixedWidthInteger {
  /// The number, digit for digit.
  public var value: Value {
    if let whole = Int64(exactly: self) { return .int(whole) }
    return ExactDecimal(String(self)).map(Value.decimal) ?? .null
  }
}

extension Int: ValueConvertible {}
extension Int8: ValueConvertible {}
extension Int16: ValueConvertible {}
extension Int32: ValueConvertible {}
extension Int64: ValueConvertible {}
extension UInt: ValueConvertible {}
extension UInt8: ValueConvertible {}
extension UInt16: ValueConvertible {}
extension UInt32: ValueConvertible {}
extension UInt64: ValueConvertible {}

extension Optional: ValueConvertible where Wrapped: ValueConvertible {
  /// The value, or null.
  public var value: Value { map(\.value) ?? .null }
}

extension Array: ValueConvertible where Element: ValueConvertible {
  /// The values in order.
  public var value: Value { .array(map(\.value)) }
}

extension RawRepresentable where RawValue: ValueConvertible {
  /// The raw value; declare `ValueConvertible` on an enumeration to filter by it.
  public var value: Value { rawValue.value }
}

// A text field takes only texts, a number field only numbers: `$0.year == "2020"` does not compile.
extension Field where Content: ValueConvertible {
  /// The field is this value.
  public static func == (field: Field, value: Content) -> Filter { .eq(field.path, value.value) }
  /// The field is there and is another value.
  public static func != (field: Field, value: Content) -> Filter { .ne(field.path, value.value) }
  /// The field is greater.
  public static func > (field: Field, value: Content) -> Filter { .gt(field.path, value.value) }
  /// The field is less.
  public static func < (field: Field, value: Content) -> Filter { .lt(field.path, value.value) }
  /// The field is greater or the same.
  public static func >= (field: Field, value: Content) -> Filter { .ge(field.path, value.value) }
  /// The field is less or the same.
  public static func <= (field: Field, value: Content) -> Filter { .le(field.path, value.value) }
  /// The field is one of these values.
  public func isIn(_ values: some Sequence<Content>) -> Filter {
    .in(path, values.map(\.value))
  }
}
