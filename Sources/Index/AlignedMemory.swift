/// Memory that begins on a cache line, zero at first and freed with the last reference.
// Sendable: an address and a count that never change; who writes to the memory says what keeps its
// parts apart.
@safe package final class AlignedMemory: @unchecked Sendable {
  /// How many bytes there are.
  package let count: Int
  /// The first of them.
  package let base: UnsafeMutableRawPointer

  /// Memory of `count` bytes.
  package init(count: Int) {
    self.count = count
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 64), alignment: 64)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 64))
  }

  deinit { unsafe base.deallocate() }

  /// The memory as numbers of a kind, from byte `offset` on.
  func numbers<T: BitwiseCopyable>(
    _ type: T.Type, at offset: Int = 0
  ) -> UnsafeMutablePointer<T> {
    unsafe (base + offset).assumingMemoryBound(to: type)
  }
}

/// Bytes of an index, in memory or in a mapped file; `owner` keeps them in place.
// Sendable: an address of bytes that nobody writes, and their owner.
@safe package struct IndexBytes: @unchecked Sendable {
  /// The first byte, on a boundary of 64.
  package let base: UnsafeRawPointer
  /// How many there are.
  package let count: Int
  private let owner: any AnyObject & Sendable

  /// Bytes that stay where they are as long as `owner` lives.
  package init(unsafe base: UnsafeRawPointer, count: Int, owner: any AnyObject & Sendable) {
    unsafe self.base = base
    self.count = count
    self.owner = owner
  }

  /// The bytes of some memory that nobody writes any more.
  package init(_ memory: AlignedMemory) {
    unsafe self.init(unsafe: UnsafeRawPointer(memory.base), count: memory.count, owner: memory)
  }
}
