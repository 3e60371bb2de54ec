import RoostContract
import RoostFiles
import RoostKernels
import Testing

@testable import RoostStorage

/// The file of an index in a directory of its own, whose parts can be changed.
private struct IndexBed {
  let disk = HeapDirectory()
  var entry: IndexFileEntry
  let header: IndexFileHeader
  var bytes: [UInt8]
  static let name = FileName.index(5).name
  private static let crc = IndexFormat.frame - 4

  /// An image of so many bytes.
  init(image count: Int = 5_000) throws {
    header = IndexFileHeader(
      database: SegmentBed.database, file: 5, collection: SegmentBed.collection, segment: 3,
      segmentRoot: Root(a: 11, b: 12), kind: 1, imageLength: count)
    let image = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    entry = try IndexFileWriter.write(header, in: disk) { Array(image[$0]) }
    bytes = disk[Self.name] ?? []
  }

  /// Where the footer is.
  var footer: Int { bytes.count - IndexFormat.frame }

  /// Changes something in the header, and makes its checksum right.
  mutating func changeHeader(_ change: (inout [UInt8]) -> Void) {
    change(&bytes)
    bytes.put(Checksum.crc32c(Array(bytes[..<Self.crc])), at: Self.crc)
  }

  /// Changes something in the footer, and makes its checksum right.
  mutating func changeFooter(_ change: (inout [UInt8], Int) -> Void) {
    change(&bytes, footer)
    let start = footer
    bytes.put(Checksum.crc32c(Array(bytes[start..<start + Self.crc])), at: start + Self.crc)
  }

  /// Opens the file as it is now, and reads all of it unless its ends are enough.
  func open(endsOnly: Bool = false) throws(StorageError) -> IndexFileReader {
    disk[Self.name] = bytes
    let reader = try IndexFileReader(
      entry, in: disk, database: header.database, collection: header.collection,
      segmentRoot: header.segmentRoot, mapped: false)
    if !endsOnly { try reader.verify() }
    return reader
  }

  var problem: FormatError.Problem? {
    StorageTests.problem { () throws(StorageError) in _ = try open() }
  }
}

/// Something wrong with the file of an index, and what is found.
private struct IndexForgery: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let problem: FormatError.Problem
  let forge: @Sendable (inout IndexBed) -> Void

  init(
    _ name: String, _ problem: FormatError.Problem,
    _ forge: @escaping @Sendable (inout IndexBed) -> Void
  ) {
    testDescription = name
    self.problem = problem
    self.forge = forge
  }
}

@Suite("The file of an index")
struct IndexFileTests {
  @Test("gives back the image that was written", arguments: [1, 5_000, 61_440, 61_441, 200_000])
  func whole(_ count: Int) throws {
    let bed = try IndexBed(image: count)
    let reader = try bed.open()
    #expect(reader.header == bed.header)
    #expect(bed.entry.length == bed.bytes.count)
    let image = try #require(reader.bytes.array(at: IndexFormat.page, count: count))
    #expect(image == (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
  }

  @Test("is synced once, when all of it is written")
  func synced() throws {
    let events = try IndexBed().disk.events
    #expect(events.filter { $0.hasPrefix("sync") } == ["sync " + IndexBed.name])
    #expect(events.last == "sync " + IndexBed.name)
  }

  @Test("is refused when any byte of it was changed, or its end is missing")
  func damaged() throws {
    let whole = try IndexBed()
    var bed = whole
    for place in whole.bytes.indices {
      bed.bytes[place] ^= 1 << UInt8(place % 8)
      #expect(bed.problem != nil, "byte \(place)")
      bed.bytes[place] = whole.bytes[place]
    }
    for count in stride(from: 0, to: whole.bytes.count, by: 37) {
      bed.bytes = Array(whole.bytes[..<count])
      #expect(bed.problem != nil, "\(count) bytes")
    }
  }

  private static let forgeries: [IndexForgery] = [
    IndexForgery("another magic", .magic) { $0.bytes[0] ^= 1 },
    IndexForgery("a header that its checksum is not of", .checksum) { $0.bytes[40] ^= 1 },
    IndexForgery("a later version", .version) {
      $0.changeHeader { $0.put(2 as UInt16, at: 8) }
    },
    IndexForgery("the upper half of another store", .identity) { $0.changeHeader { $0[24] ^= 1 } },
    IndexForgery("the lower half of another store", .identity) { $0.changeHeader { $0[32] ^= 1 } },
    IndexForgery("another file", .identity) { $0.changeHeader { $0[40] ^= 1 } },
    IndexForgery("another collection", .identity) { $0.changeHeader { $0[48] ^= 1 } },
    IndexForgery("another segment", .identity) { $0.changeHeader { $0[56] ^= 1 } },
    IndexForgery("a segment of another root", .identity) { $0.changeHeader { $0[64] ^= 1 } },
    IndexForgery("something between kind and length", .reserved) {
      $0.changeHeader { $0[84] = 1 }
    },
    IndexForgery("something behind the length", .reserved) { $0.changeHeader { $0[96] = 1 } },
    IndexForgery("no image", .length) { $0.changeHeader { $0.put(0 as UInt64, at: 88) } },
    IndexForgery("an image as long as the file", .length) { bed in
      let count = UInt64(bed.bytes.count)
      bed.changeHeader { $0.put(count, at: 88) }
    },
    IndexForgery("an image without end", .length) {
      $0.changeHeader { $0.put(UInt64.max, at: 88) }
    },
    IndexForgery("another footer", .magic) { $0.bytes[$0.footer] ^= 1 },
    IndexForgery("a footer that its checksum is not of", .checksum) {
      $0.bytes[$0.footer + 8] ^= 1
    },
    IndexForgery("checksums elsewhere", .range) { $0.changeFooter { $0[$1 + 9] ^= 1 } },
    IndexForgery("another number of checksums", .range) { $0.changeFooter { $0[$1 + 16] ^= 2 } },
    IndexForgery("another length", .range) { $0.changeFooter { $0[$1 + 24] ^= 1 } },
    IndexForgery("something behind the root", .reserved) { $0.changeFooter { $0[$1 + 50] = 1 } },
    IndexForgery("bytes between checksums and footer", .range) { bed in
      bed.bytes.insert(contentsOf: [UInt8](repeating: 0, count: 8), at: bed.footer)
      let count = bed.bytes.count
      bed.entry.length = count
      bed.changeFooter { $0.put(UInt64(count), at: $1 + 24) }
    },
    IndexForgery("a root that the checksums do not have", .checksum) { bed in
      bed.changeFooter { $0[$1 + 32] ^= 1 }
      bed.entry.root.a ^= 1
    },
    IndexForgery("a root that the manifest does not have", .checksum) { $0.entry.root.b ^= 1 },
    IndexForgery("a length that the manifest does not have", .length) { $0.entry.length += 1 },
    IndexForgery("a file too short for header and footer", .length) { bed in
      bed.bytes = Array(bed.bytes[..<100])
      bed.entry.length = 100
    },
    IndexForgery("another byte of the image", .checksum) { $0.bytes[IndexFormat.page + 7] ^= 1 },
    IndexForgery("another byte behind the image", .checksum) {
      $0.bytes[IndexFormat.page + 5_001] ^= 1
    },
  ]

  @Test("is refused for the one thing that is wrong with it", arguments: forgeries)
  fileprivate func forged(_ forgery: IndexForgery) throws {
    var bed = try IndexBed()
    forgery.forge(&bed)
    #expect(bed.problem == forgery.problem)
  }

  @Test("is refused by its feature when it needs one that is not known")
  func feature() throws {
    var bed = try IndexBed()
    bed.changeHeader { $0.put(4 as UInt32, at: 20) }
    #expect(throws: StorageError.unsupported(.index(5), bits: 4)) { try bed.open() }
    var later = try IndexBed()
    later.changeHeader { $0.put(4 as UInt32, at: 12) }
    // One that a reader need not know is no reason.
    #expect(problem { () throws(StorageError) in _ = try later.open(endsOnly: true) } == nil)
  }
}
