/// What a filter looks at: the id, the content, or a path into the metadata.
///
/// A segment names a member of an object, or counts in an array: `0` is the first element, `-1` the
/// last. White space around a segment does not count.
public struct FieldPath: Sendable {
  /// Which part of a record a path begins in.
  public enum Root: Sendable, Hashable {
    /// A column by its name: `id` or `content`; a filter over any other is invalid.
    case column(String)
    /// The metadata.
    case metadata
  }

  /// Which part of a record the path begins in.
  public let root: Root
  /// The way through the metadata; empty for a column.
  public let segments: [String]
  /// Why the path has no meaning, where it has none.
  let fault: Fault?

  enum Fault: Sendable {
    case emptyColumn, unknownColumn, emptyPath, emptySegment, tooLong, badText
  }

  /// The id of a record.
  public static let id = FieldPath.column("id")
  /// The content of a record.
  public static let content = FieldPath.column("content")

  /// A column by its name.
  public static func column(_ name: String) -> FieldPath {
    let name = Bytewise.trimmed(name)
    let fault: Fault? =
      name.isEmpty
      ? .emptyColumn
      : Bytewise.equal(name, "id") || Bytewise.equal(name, "content") ? nil : .unknownColumn
    return FieldPath(root: .column(name), segments: [], fault: fault)
  }

  /// A path into the metadata.
  public static func metadata(_ segments: String...) -> FieldPath { metadata(segments) }

  /// A path into the metadata.
  public static func metadata(_ segments: [String]) -> FieldPath {
    let trimmed = segments.map(Bytewise.trimmed)
    let fault: Fault? =
      trimmed.isEmpty
      ? .emptyPath
      : trimmed.contains(where: \.isEmpty)
        ? .emptySegment
        : trimmed.count > Limits.pathSegmentsMax
          ? .tooLong : trimmed.contains { $0.utf8.contains(0) } ? .badText : nil
    return FieldPath(root: .metadata, segments: fault == .tooLong ? [] : trimmed, fault: fault)
  }

  /// Throws when the path has no meaning.
  func check() throws(StoreError) {
    guard let fault else { return }
    let (found, expected, remedy) =
      switch fault {
      case .emptyColumn:
        ("a column has an empty name", "a column is id or content", "Name one of the two")
      case .unknownColumn:
        (
          "there is no column \(quoted(name))", "a filter sees the columns id and content",
          "Name one of the two, or use a metadata path"
        )
      case .emptyPath:
        (
          "a metadata path is empty", "a path has at least one segment",
          "Name the member to look at"
        )
      case .emptySegment:
        (
          "a segment of metadata path \(quoted(segments.joined(separator: "."))) is empty",
          "a segment has at least one character that is not white space", "Leave it out or name it"
        )
      case .tooLong:
        (
          "a metadata path has too many segments",
          "a path has at most \(Limits.pathSegmentsMax) segments", "Look at something less deep"
        )
      case .badText:
        (
          "a metadata path has a NUL character", "no stored name has one", "Take it out of the path"
        )
      }
    throw StoreError(.invalidFilter, found: found, expected: expected, remedy: remedy)
  }

  private var name: String {
    guard case .column(let name) = root else { return "" }
    return name
  }
}

extension FieldPath: ExpressibleByStringLiteral {
  /// A path of one segment into the metadata.
  public init(stringLiteral segment: String) { self = .metadata(segment) }
}

extension FieldPath: Hashable {
  /// Whether two paths lead to the same place, by bytes.
  public static func == (a: Self, b: Self) -> Bool {
    let sameRoot =
      switch (a.root, b.root) {
      case (.metadata, .metadata): true
      case (.column(let a), .column(let b)): Bytewise.equal(a, b)
      default: false
      }
    return sameRoot && a.segments.count == b.segments.count
      && zip(a.segments, b.segments).allSatisfy { Bytewise.equal($0, $1) }
  }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) {
    if case .column(let name) = root { hasher.combine(BytewiseKey(name)) }
    for segment in segments { hasher.combine(BytewiseKey(segment)) }
  }
}

extension FieldPath {
  /// The value that the path leads to in some metadata; nil where it leads nowhere.
  package func value(in metadata: Metadata) -> Value? {
    guard let first = segments.first, var value = metadata[first] else { return nil }
    for segment in segments.dropFirst() {
      switch value {
      case .object(let members):
        guard let member = members[segment] else { return nil }
        value = member
      case .array(let elements):
        guard let place = Self.arrayIndex(segment) else { return nil }
        let index = place < 0 ? elements.count + place : place
        guard elements.indices.contains(index) else { return nil }
        value = elements[index]
      default: return nil
      }
    }
    return value
  }

  /// The number that a segment is in an array: what C's `strtol` makes of it, whole and in 32 bits.
  package static func arrayIndex(_ segment: String) -> Int? {
    Int32(segment).map(Int.init)
  }

  /// The number that a segment prints as, where it reads back as the same segment.
  var canonicalIndices: [Int?] {
    segments.map { segment in
      guard let index = Self.arrayIndex(segment), Bytewise.equal(String(index), segment) else {
        return nil
      }
      return index
    }
  }
}
