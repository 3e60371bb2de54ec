#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A file of the operating system.
final class PosixFile: File {
  /// What it was called in its directory when it was opened.
  let name: String
  private let descriptor: Descriptor

  init(name: String, descriptor: Descriptor) {
    self.name = name
    self.descriptor = descriptor
  }

  func status(_ operation: FileError.Operation) throws(FileError) -> stat {
    try RoostFiles.status(of: descriptor.number, operation)
  }

  func size() throws(FileError) -> Int { Int(try status(.size).st_size) }

  func linkCount() throws(FileError) -> Int { Int(try status(.size).st_nlink) }

  // MARK: Reading

  /// The largest piece that every system takes in one call.
  private static let pieceMax = 1 << 30

  /// Reads into `target` until it is full or the file ends; how much that was.
  private func fill(
    _ target: UnsafeMutableRawBufferPointer, from offset: Int
  ) throws(FileError) -> Int {
    var done = 0
    while done < target.count {
      let got = try call(.read) {
        unsafe pread(
          descriptor.number, target.baseAddress.map { unsafe $0 + done },
          min(target.count - done, Self.pieceMax), off_t(offset + done))
      }
      if got == 0 { break }
      done += got
    }
    return done
  }

  func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= Int.max - count else {
      throw FileError(.read, ErrorNumber.invalid)
    }
    // What is asked for may come from a damaged file; what is there bounds it.
    let there = count > 65_536 ? min(count, max(0, try size() - offset)) : count
    var failure: FileError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: there) { buffer, initialized in
      do throws(FileError) {
        initialized = try unsafe fill(
          UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: there), from: offset)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  func load() throws(FileError) -> Bytes {
    let count = try size()
    if count == 0 { return Bytes([]) }
    // Not Swift's own allocation, which ends the process when there is no memory.
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, 64, count) == 0, let memory = unsafe memory else {
      throw FileError(.read, ErrorNumber.memory)
    }
    do throws(FileError) {
      let buffer = unsafe UnsafeMutableRawBufferPointer(start: memory, count: count)
      let got = try unsafe fill(buffer, from: 0)
      // Sendable: an address, used once, when nobody has the bytes any more.
      let address = UInt(bitPattern: memory)
      return unsafe Bytes(unsafe: UnsafeRawPointer(memory), count: got) {
        unsafe free(UnsafeMutableRawPointer(bitPattern: address))
      }
    } catch {
      unsafe free(memory)
      throw error
    }
  }

  func map() throws(FileError) -> Bytes {
    let count = try size()
    if count == 0 { return Bytes([]) }
    guard let memory = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor.number, 0),
      unsafe memory != MAP_FAILED
    else { throw FileError(.map, errno) }
    // Sendable: an address, used once, when nobody has the bytes any more.
    let address = UInt(bitPattern: memory)
    return unsafe Bytes(unsafe: UnsafeRawPointer(memory), count: count, isMapping: true) {
      if let memory = unsafe UnsafeMutableRawPointer(bitPattern: address) {
        unsafe _ = munmap(memory, count)
      }
    }
  }

  func forgetCache() {
    #if !canImport(Darwin)
      // Advice: what cannot be forgotten is read from memory, as it would be without asking.
      _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_DONTNEED)
    #endif
  }

  // MARK: Writing

  func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    guard (0...Int.max - bytes.count).contains(offset) else {
      throw FileError(.write, ErrorNumber.invalid)
    }
    var done = 0
    while done < bytes.count {
      let put = try call(.write) {
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe pwrite(
            descriptor.number, buffer.baseAddress.map { unsafe $0 + done },
            min(bytes.count - done, Self.pieceMax), off_t(offset + done))
        }
      }
      if put == 0 { throw FileError(.write, ErrorNumber.io) }
      done += put
    }
  }

  func sync() throws(FileError) { try syncDescriptor(descriptor.number, .sync, whole: false) }

  func truncate(to size: Int) throws(FileError) {
    _ = try call(.truncate) { ftruncate(descriptor.number, off_t(size)) }
  }

  func reserve(_ size: Int) throws(FileError) {
    if size == 0 { return }
    // A size below zero is refused by the system.
    #if canImport(Darwin)
      let old = try self.size()
      if size >= 0, size <= old { return }
      var request = fstore_t(
        fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0,
        fst_length: off_t(size - old), fst_bytesalloc: 0)
      _ = try call(.reserve) { unsafe fcntl(descriptor.number, F_PREALLOCATE, &request) }
      _ = try call(.reserve) { ftruncate(descriptor.number, off_t(size)) }
    #else
      // This one answers with the number instead of leaving it in `errno`.
      _ = try call(.reserve) {
        errno = posix_fallocate(descriptor.number, 0, off_t(size))
        return errno == 0 ? 0 : -1
      }
    #endif
  }

  func close() { descriptor.close() }
}
