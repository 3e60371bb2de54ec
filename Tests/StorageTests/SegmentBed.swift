import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage

/// What the segments of tests are part of.
enum SegmentBed {
  static let database = DatabaseID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
  static let collection: UInt64 = 7

  /// What the hash of a block of file 3 starts from, as FORMAT.md says.
  static func seed(ofBlock block: UInt64) -> UInt64 {
    var out = ByteWriter()
    out.u64(database.high)
    out.u64(database.low)
    out.u64(3)
    out.u64(block)
    return Checksum.hash64(out.bytes, seed: 0)
  }

  /// Writes a segment of some records.
  static func write(
    _ records: [StoredRecord], _ dimension: Int, _ element: ElementType = .f32,
    tombstones: [UInt64: [UInt32]] = [:], to disk: any Directory, number: UInt64 = 3,
    database: DatabaseID = database
  ) throws(StorageError) -> SegmentEntry {
    var writer = try SegmentWriter(
      creating: number, in: disk, database: database, collection: collection,
      dimension: dimension, element: element, rows: records.count, firstLSN: 10, lastLSN: 20)
    for record in records { try writer.append(record) }
    for (segment, rows) in tombstones { writer.addTombstones(rows, of: segment) }
    return try writer.finish()
  }

  /// The name of the file that `write` makes.
  static let name = FileName.segment(3).name

  static func open(
    _ entry: SegmentEntry, _ dimension: Int, _ element: ElementType = .f32, in disk: any Directory
  ) throws(StorageError) -> SegmentReader {
    try SegmentReader.open(
      entry, in: disk, database: database, collection: collection, dimension: dimension,
      element: element, mapped: false)
  }
}
