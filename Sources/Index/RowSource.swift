/// The rows that an index is built over; several threads may read them at once.
package protocol RowSource: Sendable {
  /// How many there are.
  var count: Int { get }

  /// Puts the numbers of some rows, one row behind the other, in place of what is in `numbers`.
  func read(_ rows: Range<Int>, into numbers: inout [Float]) throws
}

extension Workers {
  /// Reads all rows in portions and calls `body` with each; the threads take the next in turn.
  ///
  /// Throws what a read threw; then not all portions were read.
  func read(
    _ source: some RowSource, by portion: Int,
    _ body: @Sendable (_ rows: Range<Int>, _ numbers: UnsafePointer<Float>) -> Void
  ) throws {
    // One portion is one thread's work.
    guard source.count > portion || count == 1 else {
      return try unsafe OneWorker().read(source, by: portion, body)
    }
    let next = AtomicCounter()
    var failures = [(any Error)?](repeating: nil, count: count)
    unsafe failures.withUnsafeMutableBufferPointer { failures in
      let shared = unsafe SharedSlots(failures)
      run { thread in
        var numbers: [Float] = []
        while true {
          let start = next.add(portion)
          guard start < source.count else { return }
          let rows = start..<min(start + portion, source.count)
          do {
            try source.read(rows, into: &numbers)
          } catch {
            shared.change(thread) { $0 = error }
            // Nobody needs the rest.
            _ = next.add(source.count)
            return
          }
          unsafe numbers.withUnsafeBufferPointer { numbers in
            if let base = numbers.baseAddress { unsafe body(rows, base) }
          }
        }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
  }
}

/// The elements of an array that several threads change at once, each its own.
// Sendable: no two threads are given the same element.
@safe struct SharedSlots<Element>: @unchecked Sendable {
  private let slots: UnsafeMutableBufferPointer<Element>

  init(_ slots: UnsafeMutableBufferPointer<Element>) { unsafe self.slots = slots }

  func change(_ number: Int, _ body: (inout Element) -> Void) { unsafe body(&slots[number]) }
}
