import RoostFiles

/// Work that is done in parts, two at a time.
enum SideBySide {
  /// Calls `body` once with each number below `count`, on this thread and on another.
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let next = Monitor(0)
    let work: @Sendable () -> Void = {
      while true {
        let part = next.withLock { next -> Int in
          defer { next += 1 }
          return next
        }
        guard part < count else { return }
        body(part)
      }
    }
    var helper: (any RunningThread)?
    do throws(FileError) {
      helper = try PosixFileSystem().startThread("roost-proof", work)
    } catch {
      // No thread can be had; then all of it is done here.
      helper = nil
    }
    work()
    helper?.join()
  }
}
