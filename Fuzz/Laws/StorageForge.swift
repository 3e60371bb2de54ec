import RoostContract
import RoostEngine
import RoostFiles
import RoostKernels
import RoostStorage

/// Makes files of which all checksums are right, whatever else is wrong with them, around a small
/// store with one segment.
struct StorageForge: Sendable {
  let manifest: Manifest
  private let image: DiskImage
  /// The segment's name and bytes.
  private let segmentName: String
  private let segment: [UInt8]
  /// The places in the segment that are not padding.
  private let places: [Int]

  /// One for all runs, or why there is none.
  static let base = Result { try StorageForge() }

  private static let salt: UInt64 = 0x5A17_0F00_D5A1_7000

  private init() throws {
    let disk = SimulatedFileSystem(seed: 5)
    let store = try Store.open(at: "/store", on: disk, options: FuzzTarget.options)
    let collection = try store.ensureCollection(
      CollectionSpec(name: "c", dimension: 3, metric: .l2, element: .f16))
    try collection.upsert((0..<12).map { Self.record($0) })
    try store.close()
    var image = disk.image()
    image.remove("STATE", in: "/store")
    let bytes = image.bytes(of: "MANIFEST", in: "/store") ?? []
    manifest = try Manifest(Bytes(bytes), in: .manifest)
    segmentName = image.names(in: "/store").first { $0.hasSuffix(".seg") } ?? ""
    let segment = image.bytes(of: segmentName, in: "/store") ?? []
    guard !segment.isEmpty else {
      throw FuzzFinding(bytes: [], law: "a store that is closed has a segment", found: "none")
    }
    self.segment = segment
    places = segment.indices.filter { place in
      segment[max(0, place - 4)..<min(segment.count, place + 5)].contains { $0 != 0 }
    }
    self.image = image
  }

  static func record(_ number: Int) -> Record {
    var metadata: Metadata = ["rank": .int(Int64(number)), "odd": .bool(number % 2 == 1)]
    if number % 3 == 0 { metadata["tags"] = .array([.string("é"), .null, .double(0.5)]) }
    return Record(
      id: number < 10 ? "r0\(number)" : "r\(number)",
      vector: [Float(number), 1, Float(-number)], metadata: metadata,
      content: number % 2 == 0 ? nil : String(repeating: "text ", count: number))
  }

  // MARK: The manifest

  /// A manifest with this body, after eight bytes for its flags.
  static func manifest(ofBody input: [UInt8]) -> [UInt8] {
    let body = Array(input.dropFirst(8))
    var writer = ByteWriter()
    writer.array(ManifestFormat.magic)
    writer.u16(ManifestFormat.major)
    writer.u16(ManifestFormat.minor)
    writer.array(Array(input.prefix(8)))
    writer.zeros(24 - writer.bytes.count)
    writer.u64(UInt64(body.count))
    let root = Root(of: body)
    writer.u64(root.a)
    writer.u64(root.b)
    writer.zeros(ManifestFormat.headerSize - 4 - writer.bytes.count)
    writer.u32(Checksum.crc32c(writer.bytes))
    writer.array(body)
    return writer.bytes
  }

  // MARK: The log

  /// The store with one more log, which holds these records.
  func image(withLog input: [UInt8]) -> DiskImage {
    var image = image
    image.setBytes(
      logBlock + Self.framed(input), of: FileName.log(manifest.firstLog).name, in: "/store")
    return image
  }

  /// The records that a log of this store holds, for a corpus: their checksums are made anew later.
  func records(
    of work: (Store, StoreCollection) throws -> Void
  ) throws -> [UInt8] {
    let disk = SimulatedFileSystem(image: image, seed: 6)
    let store = try Store.open(at: "/store", on: disk, options: FuzzTarget.options)
    try work(store, try store.collection("c"))
    let name = disk.image().names(in: "/store").first { $0.hasSuffix(".wal") }
    let bytes = disk.image().bytes(of: name ?? "", in: "/store") ?? []
    return Array(bytes.dropFirst(LogFormat.headerBlock))
  }

  private var logBlock: [UInt8] {
    var writer = ByteWriter()
    writer.array(LogFormat.magic)
    writer.u16(LogFormat.major)
    writer.u16(LogFormat.minor)
    writer.u32(0)
    writer.u64(manifest.database.high)
    writer.u64(manifest.database.low)
    writer.u64(manifest.firstLog)
    writer.u64(manifest.generation)
    writer.u64(Self.salt)
    writer.u64(manifest.flushed + 1)
    writer.zeros(LogFormat.headerSize - 4 - writer.bytes.count)
    writer.u32(Checksum.crc32c(writer.bytes))
    writer.zeros(LogFormat.headerBlock - writer.bytes.count)
    return writer.bytes
  }

  /// Records with the checksums that they should have; one that says it is longer than what is left
  /// keeps its lie.
  private static func framed(_ input: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.array(input)
    var place = 0
    while place + LogFormat.recordHeaderSize <= input.count {
      let length = Int(number(input, at: place + 8, bytes: 4))
      let start = place + LogFormat.recordHeaderSize
      let isWhole = length <= input.count - start
      if isWhole {
        let seed = salt ^ number(input, at: place + 16, bytes: 8)
        let hash = Checksum.hash64(Array(input[start..<start + length]), seed: seed)
        writer.replace(at: place + 32, with: hash)
      }
      var seed = ByteWriter()
      seed.u64(salt)
      seed.u64(UInt64(LogFormat.headerBlock + place))
      let crc = Checksum.crc32c(
        Array(writer.bytes[place + 4..<start]), continuing: Checksum.crc32c(seed.bytes))
      writer.replace(at: place, with: crc)
      guard isWhole else { break }
      place = (start + length + LogFormat.alignment - 1) / LogFormat.alignment * LogFormat.alignment
    }
    return writer.bytes
  }

  private static func number(_ bytes: [UInt8], at place: Int, bytes count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
  }

  /// Whether all that operations refer to is known, so that they can be written again.
  static func areComplete(_ operations: [Operation], _ elements: [UInt64: ElementType]) -> Bool {
    var known = Set(elements.keys)
    for operation in operations {
      switch operation {
      case .createCollection(let entry): known.insert(entry.number)
      case .dropCollection(let number): known.remove(number)
      case .put(let collection, _): if !known.contains(collection) { return false }
      default: break
      }
    }
    return true
  }

  // MARK: The segment

  /// The store with its segment changed by a list of patches: two bytes for a place, one for how
  /// many bytes follow and whether they are put there or added, and these bytes.
  func image(withSegmentPatchedBy input: [UInt8]) -> DiskImage {
    var bytes = segment
    var rest = input[...]
    while rest.count >= 4 {
      let place = places[(Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())) % places.count]
      let mode = rest.removeFirst()
      for index in 0..<min(Int(mode % 16) + 1, rest.count) {
        let byte = rest.removeFirst()
        guard place + index < bytes.count else { continue }
        bytes[place + index] = mode < 128 ? byte : bytes[place + index] &+ byte
      }
    }
    let (forged, root) = withChecksums(bytes)
    var manifest = manifest
    manifest.collections[0].segments[0].root = root
    var image = image
    image.setBytes(forged, of: segmentName, in: "/store")
    image.setBytes(manifest.encoded(), of: "MANIFEST", in: "/store")
    return image
  }

  private func withChecksums(_ input: [UInt8]) -> ([UInt8], Root) {
    var writer = ByteWriter()
    writer.array(input)
    let frame = SegmentFormat.frame
    writer.replace(at: frame - 4, with: Checksum.crc32c(Array(input[..<(frame - 4)])))
    // Where the checksums are is what the directory of the segment said before it was changed.
    let end = segment.count - frame
    let directory = Int(Self.number(segment, at: end + 8, bytes: 8))
    let last = directory + 8 + 32 * (SectionKind.allCases.count - 1)
    let sums = Int(Self.number(segment, at: last + 8, bytes: 8))
    for (block, start) in stride(from: 0, to: sums, by: SegmentFormat.block).enumerated() {
      let part = Array(writer.bytes[start..<min(start + SegmentFormat.block, sums)])
      writer.replace(
        at: sums + 8 * block, with: Checksum.hash64(part, seed: seed(ofBlock: UInt64(block))))
    }
    let covered = Array(writer.bytes[sums..<end])
    let root = Root(of: covered, seed: seed(ofBlock: .max))
    writer.replace(at: end + 32, with: root.a)
    writer.replace(at: end + 40, with: root.b)
    let footer = Array(writer.bytes[end..<(end + frame - 4)])
    writer.replace(at: end + frame - 4, with: Checksum.crc32c(footer))
    return (writer.bytes, root)
  }

  private func seed(ofBlock block: UInt64) -> UInt64 {
    var writer = ByteWriter()
    writer.u64(manifest.database.high)
    writer.u64(manifest.database.low)
    writer.u64(manifest.collections[0].segments[0].file)
    writer.u64(block)
    return Checksum.hash64(writer.bytes, seed: 0)
  }
}
