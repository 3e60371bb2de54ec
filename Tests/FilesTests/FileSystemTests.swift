import Foundation
import RoostFiles
import Testing

/// An empty directory of the operating system, gone with the test.
func withScratch<R>(_ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.path + "/roost-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

@Suite("File systems")
struct FileSystemTests {
  @Test("the operating system", arguments: FileSystemLaw.all)
  func posix(_ law: FileSystemLaw) throws {
    try withScratch { try law.run(PosixFileSystem(), $0) }
  }

  @Test("the simulated one", arguments: FileSystemLaw.all, [false, true])
  func simulated(_ law: FileSystemLaw, watched: Bool) throws {
    let system = SimulatedFileSystem(watching: watched)
    _ = try system.openDirectory("/store", creating: true)
    try law.run(system, "/store")
    #expect(system.openHandles == 0)
  }

  @Test("clocks never go back, and random numbers differ")
  func clocks() {
    for system: any FileSystem in [PosixFileSystem(), SimulatedFileSystem()] {
      let times = (0..<100).map { _ in system.now() }
      #expect(times == times.sorted())
      #expect(Set((0..<100).map { _ in system.random() }).count == 100)
    }
  }

  @Test("the process is named, and its machine too")
  func processes() {
    let system = PosixFileSystem()
    #expect(system.process.id == Int64(ProcessInfo.processInfo.processIdentifier))
    #expect(system.process == PosixFileSystem().process)
    #expect(PosixFileSystem.currentProcess() == system.process.id)
    #expect(SimulatedFileSystem(seed: 1).process.boot != SimulatedFileSystem(seed: 2).process.boot)
  }

  @Test("a thread runs its body, and can be waited for more than once")
  func threads() throws {
    for system: any FileSystem in [PosixFileSystem(), SimulatedFileSystem()] {
      let monitor = Monitor(0)
      let threads = try (0..<4).map { index in
        try system.startThread("roost thread \(index)") { monitor.withLock { $0 += 1 } }
      }
      threads.forEach { $0.join() }
      threads.forEach { $0.join() }
      #expect(monitor.withLock { $0 } == 4)
      _ = try system.startThread("nobody waits") {}
    }
  }
}

@Suite("Files of the operating system")
struct PosixTests {
  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("files are for their owner alone, whatever the mask", arguments: [0o000, 0o077, 0o777])
  func modes(_ mask: Int) async throws {
    // The mask belongs to the whole process.
    await #expect(processExitsWith: .success) { [mask] in
      try withScratch { path in
        let before = umask(mode_t(mask))
        let directory = try PosixFileSystem().openDirectory(path + "/a", creating: true)
        _ = try directory.create("file")
        umask(before)
        for (name, mode) in [("/a", 0o700), ("/a/file", 0o600)] {
          let found = try FileManager.default.attributesOfItem(atPath: path + name)
          precondition(found[.posixPermissions] as? Int == mode, "\(name) is \(found)")
        }
      }
    }
  }

  @Test("neither links nor pipes are followed, and nobody waits for them")
  func hostileNames() throws {
    try withScratch { path in
      let system = PosixFileSystem()
      let directory = try system.openDirectory(path, creating: false)
      try directory.create("target").write([1], at: 0)
      try FileManager.default.createSymbolicLink(
        atPath: path + "/link", withDestinationPath: "target")
      try FileManager.default.createSymbolicLink(
        atPath: path + "/dangling", withDestinationPath: "nowhere")
      try FileManager.default.createSymbolicLink(
        atPath: path + "/folder", withDestinationPath: path)
      #expect(unsafe mkfifo(path + "/pipe", 0o600) == 0)
      for name in ["link", "dangling", "pipe", "folder"] {
        for writable in [false, true] {
          #expect(reason { _ = try directory.open(name, writable: writable) } == .notAFile)
        }
        #expect(reason { _ = try directory.create(name) } == .exists)
      }
      let devices = try system.openDirectory("/dev", creating: false)
      #expect(reason { _ = try devices.open("null", writable: true) } == .notAFile)
      for creating in [false, true] {
        for end in ["/folder", "/folder/"] {
          #expect(
            reason { _ = try system.openDirectory(path + end, creating: creating) } == .notAFile)
        }
      }
      let list = try directory.list()
      #expect(list.filter(\.isFile).map(\.name) == ["target"])
      #expect(list.count == 5)
    }
  }

  @Test("a directory that was moved, replaced or removed is noticed")
  func currentDirectory() throws {
    try withScratch { path in
      let system = PosixFileSystem()
      let directory = try system.openDirectory(path + "/a", creating: true)
      try FileManager.default.moveItem(atPath: path + "/a", toPath: path + "/b")
      #expect(!directory.isCurrent())
      _ = try system.openDirectory(path + "/a", creating: true)
      #expect(!directory.isCurrent())
      try FileManager.default.removeItem(atPath: path + "/a")
      try FileManager.default.moveItem(atPath: path + "/b", toPath: path + "/a")
      #expect(directory.isCurrent())
      try FileManager.default.removeItem(atPath: path + "/a")
      #expect(!directory.isCurrent())
      #expect(reason { _ = try directory.create("x") } == .notFound)
    }
  }

  @Test("a directory is handed out only when its name is durable", arguments: [true, false])
  func durableName(_ isThere: Bool) async {
    await #expect(processExitsWith: .success) { [isThere] in
      try withScratch { path in
        let system = PosixFileSystem()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        func next() -> Int32 {
          let number = dup(0)
          close(number)
          return number
        }
        // Other threads of the process may take or give back a number meanwhile; then once more.
        for attempt in 0..<100 {
          let name = path + "/a\(attempt)"
          if isThere { _ = try system.openDirectory(name, creating: true) }
          // With one number left the directory can be opened, and the one above it cannot.
          let number = next()
          var limit = rlimit()
          precondition(unsafe getrlimit(files, &limit) == 0)
          let most = limit.rlim_cur
          limit.rlim_cur = rlim_t(number + 1)
          precondition(unsafe setrlimit(files, &limit) == 0)
          let created = reason { _ = try system.openDirectory(name, creating: true) }
          let opened = reason { try system.openDirectory(name, creating: false).close() }
          limit.rlim_cur = most
          precondition(unsafe setrlimit(files, &limit) == 0)
          guard next() == number else { continue }
          precondition(created == .tooManyFiles, "\(String(describing: created))")
          precondition(opened == nil, "\(String(describing: opened))")
          return
        }
        preconditionFailure("the numbers of files never rest")
      }
    }
  }

  #if os(Linux)
    @Test("a directory is not handed out when the system cannot make its name durable")
    func volatileName() throws {
      let system = PosixFileSystem()
      #expect(throws: FileError(.createDirectory, ErrorNumber.invalid)) {
        try system.openDirectory("/proc/sys", creating: true)
      }
      try system.openDirectory("/proc/sys", creating: false).close()
    }
  #endif

  @Test("who has a lock has it on the file that has the name, however often that is replaced")
  func replacedLocks() async {
    await #expect(processExitsWith: .success) {
      try withScratch { path in
        // Whoever gets the signal stands still for a while, wherever that is.
        signal(SIGUSR1) { _ in usleep(500) }
        let locker = Monitor<pthread_t?>(nil)
        let isDone = Monitor(false)
        try PosixFileSystem().openDirectory(path, creating: false).create("LOCK").close()
        let threads = [
          try PosixThread("replaces") {
            do {
              let directory = try PosixFileSystem().openDirectory(path, creating: false)
              while !isDone.withLock({ $0 }) {
                let file = try directory.open("LOCK", writable: true)
                defer { file.close() }
                let found = reason {
                  let lock = try directory.lock(file, byte: 0, exclusive: true)
                  try directory.create("next").close()
                  try directory.rename("next", to: "LOCK")
                  lock.release()
                }
                precondition([nil, .busy, .other].contains(found))
              }
            } catch {
              preconditionFailure("\(error)")
            }
          },
          try PosixThread("interrupts") {
            while !isDone.withLock({ $0 }) {
              if let thread = locker.withLock({ $0 }) { pthread_kill(thread, SIGUSR1) }
              usleep(600)
            }
          },
        ]
        locker.withLock { $0 = pthread_self() }
        let directory = try PosixFileSystem().openDirectory(path, creating: false)
        for _ in 0..<4_000 {
          let file = try directory.open("LOCK", writable: true)
          defer { file.close() }
          let found = reason {
            let lock = try directory.lock(file, byte: 0, exclusive: true)
            let count = try file.linkCount()
            precondition(count == 1, "the lock is on a file that nobody finds any more")
            lock.release()
          }
          precondition([nil, .busy, .other].contains(found))
        }
        locker.withLock { $0 = nil }
        isDone.withLock { $0 = true }
        threads.forEach { $0.join() }
      }
    }
  }

  @Test("a file never gets the number of a standard stream")
  func streams() async {
    await #expect(processExitsWith: .success) {
      try withScratch { path in
        for stream in Int32(0)..<3 { close(stream) }
        let directory = try PosixFileSystem().openDirectory(path, creating: false)
        let file = try directory.create("a")
        for stream in Int32(0)..<3 {
          // Other parts of the process may have taken one of them since.
          var found = stat()
          if unsafe fstat(stream, &found) == 0 {
            precondition(![S_IFREG, S_IFDIR].contains(found.st_mode & S_IFMT), "it is ours")
          }
        }
        try file.write([1], at: 0)
      }
    }
  }

  @Test("a released lock is free though another process has inherited the opening of its file")
  func inheritedLock() throws {
    try withScratch { path in
      let directory = try PosixFileSystem().openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      let lock = try directory.lock(file, byte: 0, exclusive: true)
      // What a process that is just being started has open: all that this one has.
      var actions = unsafe posix_spawn_file_actions_t()
      unsafe posix_spawn_file_actions_init(&actions)
      defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
      var inherited = 0
      for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
        let target = try? FileManager.default.destinationOfSymbolicLink(
          atPath: "/proc/self/fd/" + name)
        guard let number = Int32(name), target?.hasSuffix(path + "/LOCK") ?? false else { continue }
        // Onto itself: it stays open in the new program.
        unsafe posix_spawn_file_actions_adddup2(&actions, number, number)
        inherited += 1
      }
      #expect(inherited == 2)
      var child: pid_t = 0
      let words = ["sleep", "60"]
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
      unsafe arguments.append(nil)
      defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
      unsafe try #require(posix_spawnp(&child, words[0], &actions, nil, arguments, nil) == 0)
      defer {
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
      }
      #expect(reason { _ = try directory.lock(file, byte: 0, exclusive: true) } == .busy)
      lock.release()
      try directory.lock(file, byte: 0, exclusive: true).release()
    }
  }

  @Test("another process is kept out, and a lock ends with its process, however that ends")
  func locksOfProcesses() async throws {
    let path = FileManager.default.temporaryDirectory.path + "/roost-" + UUID().uuidString
    let directory = try PosixFileSystem().openDirectory(path, creating: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try directory.create("LOCK")
    let lock = try directory.lock(file, byte: 0, exclusive: true)
    await #expect(processExitsWith: .success) { [path = path as String] in
      let directory = try PosixFileSystem().openDirectory(path, creating: false)
      let file = try directory.open("LOCK", writable: true)
      for exclusive in [false, true] {
        precondition(
          reason { _ = try directory.lock(file, byte: 0, exclusive: exclusive) } == .busy)
      }
      try directory.lock(file, byte: 1, exclusive: true).release()
    }
    lock.release()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let directory = try PosixFileSystem().openDirectory(path, creating: false)
      let file = try directory.open("LOCK", writable: true)
      let lock = try directory.lock(file, byte: 0, exclusive: true)
      raise(SIGKILL)
      withExtendedLifetime(lock) {}
    }
    try directory.lock(file, byte: 0, exclusive: true).release()
  }

  @Test(
    "a write that the system cuts short goes on, and ends with the reason when there is no room")
  func full() async {
    await #expect(processExitsWith: .success) {
      try withScratch { path in
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 1_000, rlim_max: 1_000)
        precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
        let directory = try PosixFileSystem().openDirectory(path, creating: false)
        let file = try directory.create("a")
        do {
          try file.write([UInt8](repeating: 7, count: 1_500), at: 0)
          preconditionFailure("there was room")
        } catch let error as FileError {
          precondition(error.reason == .noSpace && error.operation == .write, "\(error)")
        }
        let size = try file.size()
        precondition(size == 1_000, "\(size)")
      }
    }
  }

  @Test("open files are closed with their last reference")
  func closing() async {
    await #expect(processExitsWith: .success) {
      try withScratch { path in
        var limit = rlimit(rlim_cur: 64, rlim_max: 64)
        precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        let directory = try PosixFileSystem().openDirectory(path, creating: false)
        for index in 0..<200 {
          let file = try directory.create("\(index)")
          try directory.lock(file, byte: 0, exclusive: true).release()
          let count = try directory.list().count
          precondition(count == index + 1)
          _ = try directory.open("0", writable: false).map()
        }
        var held: [any File] = []
        do {
          while true { held.append(try directory.open("0", writable: false)) }
        } catch let error as FileError {
          precondition(error.reason == .tooManyFiles, "\(error)")
        }
        held = []
        _ = try directory.open("0", writable: false)
      }
    }
  }
}
