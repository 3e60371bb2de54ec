internal import RoostContract
internal import RoostFiles
internal import RoostKernels

/// Bytes on their way to one place of a file after the other, with a checksum for every block.
///
/// A stream may begin in the middle of a block. That block is kept back until somebody supplies
/// what stands before it.
struct BlockStream {
  private let file: any File
  private let name: FileName
  private let seed: BlockSeed
  /// The place in the file of the first byte in `buffer`: a multiple of the block size.
  private var start: Int
  private var buffer: [UInt8]
  /// The first block, of which the front is still missing.
  private var kept: [UInt8]?
  private var keptStart: Int
  /// How many bytes of the first block are somebody else's.
  private let lead: Int
  /// The checksums so far, of which the first one stands for block `firstBlock`.
  private(set) var hashes: [UInt64] = []

  private static let bufferSize = 1 << 20

  init(
    to file: any File, _ name: FileName, at offset: Int, seed: BlockSeed,
    beginningWith bytes: [UInt8] = []
  ) {
    self.file = file
    self.name = name
    self.seed = seed
    lead = offset % SegmentFormat.block
    start = offset - lead
    keptStart = start
    buffer = [UInt8](repeating: 0, count: lead) + bytes
  }

  /// Where the next byte will be.
  var offset: Int { start + buffer.count }

  mutating func append(_ bytes: [UInt8]) throws(StorageError) {
    buffer.append(contentsOf: bytes)
    try writeIfFull()
  }

  /// Appends a vector, and zeros up to a whole row.
  mutating func append(
    _ vector: [Float], as element: ElementType, stride: Int
  ) throws(StorageError) {
    let end = buffer.count + stride
    ElementCoding.append(vector, as: element, to: &buffer)
    buffer.append(contentsOf: repeatElement(0, count: end - buffer.count))
    try writeIfFull()
  }

  /// Appends zeros up to a multiple of `size`.
  mutating func pad(to size: Int) throws(StorageError) {
    let end = SegmentFormat.aligned(offset, to: size)
    buffer.append(contentsOf: repeatElement(0, count: end - offset))
    try writeIfFull()
  }

  private mutating func writeIfFull() throws(StorageError) {
    guard buffer.count >= Self.bufferSize else { return }
    try write(buffer.count / SegmentFormat.block)
  }

  /// Writes so many blocks from the buffer's front.
  private mutating func write(_ blocks: Int) throws(StorageError) {
    var out: [UInt8] = []
    var outStart = start
    let size = SegmentFormat.block
    for block in 0..<blocks {
      let bytes = [UInt8](buffer[block * size..<min(buffer.count, (block + 1) * size)])
      if block == 0, lead > 0, start == keptStart, kept == nil {
        kept = bytes
        outStart += size
        hashes.append(0)
        continue
      }
      hashes.append(hash(bytes, block: start / size + block))
      out.append(contentsOf: bytes)
    }
    try write(out, at: outStart)
    let written = min(buffer.count, blocks * size)
    start += written
    buffer.removeFirst(written)
  }

  private func hash(_ bytes: [UInt8], block: Int) -> UInt64 {
    Checksum.hash64(bytes, seed: seed.seed(ofBlock: UInt64(block)))
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
    guard !bytes.isEmpty else { return }
    try file.write(bytes, at: offset, of: name)
  }

  /// Writes whole blocks and hands out what begins the next one, which another stream goes on with.
  mutating func finishWholeBlocks() throws(StorageError) -> [UInt8] {
    try write(buffer.count / SegmentFormat.block)
    return buffer
  }

  /// Writes all that is left; `front` is what stands before the stream in its first block.
  mutating func finish(after front: [UInt8]) throws(StorageError) {
    precondition(front.count == lead, "another stream ended somewhere else")
    if let kept {
      let block = front + kept[lead...]
      hashes[0] = hash(block, block: keptStart / SegmentFormat.block)
      try write(block, at: keptStart)
    } else {
      buffer.replaceSubrange(0..<lead, with: front)
    }
    // What was kept back is whole now, so nothing is kept back again.
    kept = kept ?? []
    try write((buffer.count + SegmentFormat.block - 1) / SegmentFormat.block)
  }
}
