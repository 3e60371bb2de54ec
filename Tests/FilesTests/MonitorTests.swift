import RoostFiles
import Synchronization
import Testing

/// Runs `body` with 0..<count on threads of their own and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
  let threads = try (0..<count).map { index in
    try PosixThread("test \(index)") { body(index) }
  }
  threads.forEach { $0.join() }
}

@Suite("Monitor")
struct MonitorTests {
  @Test("threads that add under the lock lose nothing")
  func adds() throws {
    let monitor = Monitor(0)
    try onThreads(8) { _ in
      for _ in 0..<2_000 { monitor.withLock { $0 += 1 } }
    }
    #expect(monitor.withLock { $0 } == 16_000)
  }

  @Test("an error of the body comes out and leaves the lock free")
  func errors() {
    let monitor = Monitor([Int]())
    #expect(throws: FileError(.write, 5)) {
      try monitor.withLock { (state) throws(FileError) in
        state.append(1)
        throw FileError(.write, 5)
      }
    }
    #expect(monitor.withLock { $0 } == [1])
  }

  @Test("who waits sees the change that it waits for, and takes it with the lock still held")
  func waits() throws {
    let monitor = Monitor([Int]())
    let taken = Atomic(0)
    try onThreads(4) { thread in
      for turn in 0..<500 {
        if thread % 2 == 0 {
          monitor.withLock { $0.append(turn) }
          monitor.wakeAll()
        } else {
          let item = monitor.waiting(until: { !$0.isEmpty }) { $0.removeLast() }
          if let item { taken.add(item, ordering: .relaxed) }
        }
      }
    }
    #expect(monitor.withLock { $0.isEmpty })
    #expect(taken.load(ordering: .relaxed) == 2 * (0..<500).reduce(0, +))
  }

  @Test("a wake inside the lock counts")
  func wakesInside() throws {
    let monitor = Monitor(0)
    try onThreads(2) { thread in
      for turn in 0..<500 {
        let mine = { @Sendable (state: inout Int) in state == 2 * turn + thread }
        let done: Void? = monitor.waiting(until: mine) {
          $0 += 1
          monitor.wakeAll()
        }
        #expect(done != nil)
      }
    }
    #expect(monitor.withLock { $0 } == 1_000)
  }

  @Test("a wait ends with nil when the time is up and not before")
  func timesOut() {
    let monitor = Monitor(false)
    let clock = ContinuousClock()
    let start = clock.now
    let answer = monitor.waiting(until: { $0 }, timeout: .milliseconds(30)) { _ in 1 }
    #expect(answer == nil)
    #expect(clock.now - start >= .milliseconds(29))
    #expect(monitor.waiting(until: { !$0 }, timeout: .zero) { _ in 2 } == 2)
    #expect(monitor.waiting(until: { $0 }, timeout: .seconds(-5)) { _ in 3 } == nil)
    #expect(monitor.waiting(until: { !$0 }, timeout: .seconds(Int64.max)) { _ in 4 } == 4)
  }
}

@Suite("AtomicWords")
struct AtomicWordsTests {
  @Test("words start at zero and keep what is stored")
  func stores() {
    let words = AtomicWords(count: 3)
    #expect((0..<3).allSatisfy { words.load($0) == 0 })
    words.store(1, .max)
    #expect(words.load(0) == 0 && words.load(1) == .max && words.load(2) == 0)
    #expect(AtomicWords(count: 0).count == 0)
    #expect(AtomicWords(count: -1).count == 0)
  }

  @Test("an exchange happens only when the word is as expected")
  func exchanges() {
    let words = AtomicWords(count: 1)
    #expect(words.compareExchange(0, expected: 0, desired: 7) == (true, 0))
    #expect(words.compareExchange(0, expected: 0, desired: 9) == (false, 7))
    #expect(words.load(0) == 7)
  }

  @Test("additions by exchange from many threads lose nothing")
  func races() throws {
    let words = AtomicWords(count: 4)
    try onThreads(4) { _ in
      for turn in 0..<4_000 {
        var old = words.load(turn % 4)
        while true {
          let answer = words.compareExchange(turn % 4, expected: old, desired: old + 1)
          if answer.exchanged { break }
          old = answer.original
        }
      }
    }
    #expect((0..<4).allSatisfy { words.load($0) == 4_000 })
  }

  @Test("what was written before a store is seen after a load")
  func publishes() throws {
    let words = AtomicWords(count: 2)
    try onThreads(2) { thread in
      for turn in 1...2_000 {
        if thread == 0 {
          words.store(0, UInt64(turn))
          words.store(1, UInt64(turn))
        } else {
          let later = words.load(1)
          #expect(words.load(0) >= later)
        }
      }
    }
  }

  @Test("a word that is not there traps", arguments: [-1, 2])
  func bounds(_ index: Int) async {
    await #expect(processExitsWith: .failure) { [index] in
      _ = AtomicWords(count: 2).load(index)
    }
  }
}

@Suite("FileError")
struct FileErrorTests {
  @Test("every number that the house knows has a reason and a name")
  func reasons() {
    let table: [(Int32, FileError.Reason, String)] = [
      (ErrorNumber.notFound, .notFound, "write: ENOENT (2)"),
      (ErrorNumber.exists, .exists, "write: EEXIST (17)"),
      (ErrorNumber.noSpace, .noSpace, "write: ENOSPC (28)"),
      (ErrorNumber.tooBig, .noSpace, "write: EFBIG (27)"),
      (ErrorNumber.access, .denied, "write: EACCES (13)"),
      (ErrorNumber.permission, .denied, "write: EPERM (1)"),
      (ErrorNumber.busy, .busy, "write: EBUSY (16)"),
      (ErrorNumber.tooManyFiles, .tooManyFiles, "write: EMFILE (24)"),
      (ErrorNumber.tooManyFilesInSystem, .tooManyFiles, "write: ENFILE (23)"),
      (ErrorNumber.memory, .outOfMemory, "write: ENOMEM (12)"),
      (ErrorNumber.isDirectory, .notAFile, "write: EISDIR (21)"),
      (ErrorNumber.notDirectory, .notAFile, "write: ENOTDIR (20)"),
      (ErrorNumber.noDevice, .notAFile, "write: ENXIO (6)"),
      (ErrorNumber.readOnly, .readOnly, "write: EROFS (30)"),
      (ErrorNumber.io, .other, "write: EIO (5)"),
      (9_999, .other, "write: error 9999"),
    ]
    for (number, reason, text) in table {
      #expect(FileError(.write, number).reason == reason)
      #expect(FileError(.write, number).description == text)
    }
    #expect(FileError(.write, ErrorNumber.quota).reason == .noSpace)
    #expect(FileError(.open, ErrorNumber.loop).reason == .notAFile)
    #expect(FileError(.lock, ErrorNumber.again).reason == .busy)
  }

  @Test("a lock that is refused is busy with either number")
  func locks() {
    #expect(FileError(.lock, ErrorNumber.access).reason == .busy)
    #expect(FileError(.open, ErrorNumber.access).reason == .denied)
  }

  @Test("an error takes no more room than its two numbers")
  func size() {
    #expect(MemoryLayout<FileError>.size == 8)
    #expect(_isPOD(FileError.self))
  }
}
