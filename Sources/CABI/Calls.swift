internal import CRoost
internal import RoostContract
internal import RoostEngine
internal import RoostFiles

// How a call from C becomes one of Swift: texts and numbers come in checked, errors and texts go
// out as C expects them.

typealias CText = UnsafePointer<CChar>
typealias CTexts = UnsafePointer<UnsafePointer<CChar>?>
/// Where a text goes that the caller releases.
typealias CTextPlace = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
/// Where a handle goes.
typealias CHandlePlace = UnsafeMutablePointer<OpaquePointer?>

/// Runs a call, and turns what it throws into a status and JSON.
func answer(_ error: CTextPlace?, _ body: () throws -> Void) -> roost_status {
  unsafe error?.pointee = nil
  do {
    try body()
    return roost_status(ROOST_OK)
  } catch let thrown {
    let failure = thrown.asStoreError
    unsafe error?.pointee = unsafe copied(failure.json)
    return failure.status
  }
}

extension Error {
  /// Every error in the words of the contract.
  var asStoreError: StoreError {
    switch self {
    case let error as StoreError: error
    case is CancellationError:
      StoreError(
        .cancelled, found: "the work was cancelled", expected: "it runs to its end",
        remedy: "Ask again")
    default:
      StoreError(
        .io, found: "the work failed", expected: "it runs to its end", remedy: "See the cause",
        cause: self)
    }
  }
}

extension StoreError {
  /// The number of the code; that of `io` for a code that C has no number for.
  var status: roost_status {
    let place = Code.all.firstIndex(of: code) ?? Code.all.firstIndex(of: .io) ?? 0
    return roost_status(place + 1)
  }

  /// The same error about a place in what was given.
  func inside(_ place: String) -> StoreError {
    StoreError(
      code, found: "in \(place): \(found)", expected: expected, remedy: remedy, cause: cause)
  }
}

// MARK: - Out

/// A text in memory that the caller releases; NULL when there is none.
func copied(_ text: String) -> UnsafeMutablePointer<CChar>? {
  var text = text
  return text.withUTF8 { bytes in
    guard let memory = unsafe roost_shim_allocate(bytes.count + 1) else { return nil }
    let all = unsafe UnsafeMutableRawBufferPointer(start: memory, count: bytes.count + 1)
    unsafe all.copyBytes(from: bytes)
    unsafe all[bytes.count] = 0
    return unsafe memory.assumingMemoryBound(to: CChar.self)
  }
}

/// Gives a text out.
func give(_ text: String, to place: CTextPlace?) throws {
  guard let copy = unsafe copied(text) else {
    throw StoreError(
      .outOfMemory, found: "the answer has \(text.utf8.count) bytes",
      expected: "that many can be had", remedy: "Free memory, or ask for less")
  }
  unsafe place?.pointee = copy
}

/// Throws when there is no place for what is asked for; what was there is forgotten otherwise.
func require<Place>(
  _ place: UnsafeMutablePointer<Place?>?, _ name: String
) throws {
  guard let place = unsafe place else { throw nullArgument(name) }
  unsafe place.pointee = nil
}

/// The same for a number.
func require(_ place: UnsafeMutablePointer<UInt64>?, _ name: String) throws {
  guard let place = unsafe place else { throw nullArgument(name) }
  unsafe place.pointee = 0
}

func nullArgument(_ name: String) -> StoreError {
  StoreError(
    .invalidArgument, found: "\(name) is NULL", expected: "it points to something",
    remedy: "Give it")
}

// MARK: - In

/// The text of an argument that must be there.
func text(_ pointer: CText?, _ name: String) throws -> String {
  guard let text = try unsafe optionalText(pointer, name) else { throw nullArgument(name) }
  return text
}

/// The text of an argument that may be NULL.
func optionalText(_ pointer: CText?, _ name: String) throws -> String? {
  guard let pointer = unsafe pointer else { return nil }
  return try unsafe text(pointer, count: roost_shim_length(pointer)) { name }
}

/// A text of so many bytes.
private func text(_ pointer: CText, count: Int, _ name: () -> String) throws -> String {
  guard count >= 0 else { throw tooMany("the length of \(name())", count) }
  let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: count)
  if let text = unsafe String(utf8: bytes) { return text }
  var parser = Unicode.UTF8.ForwardParser()
  var rest = unsafe bytes.makeIterator()
  var position = 0
  while true {
    let next = unsafe parser.parseScalar(from: &rest)
    guard case .valid(let scalar) = next else { break }
    position += scalar.count
  }
  throw StoreError(
    .invalidArgument, found: "\(name()) is no UTF-8 at byte \(position)",
    expected: "texts are UTF-8", remedy: "Convert it before it is given to the store")
}

/// The error for a number of things that cannot be.
func tooMany(_ name: String, _ count: Int) -> StoreError {
  StoreError(
    .tooLarge, found: "\(name) is \(UInt(bitPattern: count))",
    expected: "this store takes at most \(Limits.batchMax) at once",
    remedy: "Send it in parts, or look for an overflow where it was computed")
}

/// Throws for a number of things that cannot be.
func check(_ count: Int, _ name: String) throws {
  guard (0...Limits.batchMax).contains(count) else { throw tooMany(name, count) }
}

/// Texts of an array of C, with or without lengths, read one by one.
@safe struct TextArray {
  private let pointers: CTexts?
  private let lengths: UnsafePointer<Int>?
  private let name: String

  /// An array that may be NULL as a whole.
  init(_ pointers: CTexts?, _ lengths: UnsafePointer<Int>?, _ name: String) throws {
    unsafe self.pointers = pointers
    unsafe self.lengths = lengths
    self.name = name
    guard Self.isAligned(UInt(bitPattern: pointers)),
      Self.isAligned(UInt(bitPattern: lengths))
    else {
      throw StoreError(
        .invalidArgument, found: "\(name) begins at an odd address",
        expected: "it is an array of pointers", remedy: "Look where the pointer comes from")
    }
  }

  private static func isAligned(_ address: UInt) -> Bool {
    address % UInt(MemoryLayout<Int>.alignment) == 0
  }

  /// The text at a place; nil where it is NULL.
  subscript(index: Int) -> String? {
    get throws {
      guard let pointer = unsafe pointers?[index] else { return nil }
      let length = unsafe lengths?[index] ?? roost_shim_length(pointer)
      return try unsafe text(pointer, count: length) { "\(name)[\(index)]" }
    }
  }

  /// The first `count` texts, none of which may be NULL.
  func all(_ count: Int) throws -> [String] {
    try check(count, "the number of \(name)")
    var texts: [String] = []
    texts.reserveCapacity(count)
    for index in 0..<count {
      guard let text = try self[index] else {
        throw unsafe nullArgument(pointers == nil ? name : "\(name)[\(index)]")
      }
      texts.append(text)
    }
    return texts
  }
}

/// Vectors of one dimension that lie one after the other.
@safe struct VectorBlock {
  private let start: UnsafeRawPointer?
  private let dimension: Int

  init(_ start: UnsafePointer<Float>?, count: Int, dimension: Int, _ name: String) throws {
    try check(count, "the number of \(name)")
    let (numbers, isOver) = count.multipliedReportingOverflow(by: dimension)
    let (_, isFar) = numbers.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    guard !isOver, !isFar else { throw tooMany("the number of \(name)", count) }
    guard unsafe count == 0 || start != nil else { throw nullArgument(name) }
    unsafe self.start = start.map { unsafe UnsafeRawPointer($0) }
    self.dimension = dimension
  }

  /// The vector at a place, copied; it need not lie where a `Float` should.
  subscript(index: Int) -> [Float] {
    guard let start = unsafe start else { return [] }
    let bytes = unsafe UnsafeRawBufferPointer(
      start: start + index * dimension * MemoryLayout<Float>.stride,
      count: dimension * MemoryLayout<Float>.stride)
    return unsafe [Float](unsafeUninitializedCapacity: dimension) { numbers, count in
      unsafe UnsafeMutableRawBufferPointer(numbers).copyMemory(from: bytes)
      count = dimension
    }
  }
}
