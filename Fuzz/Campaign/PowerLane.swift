import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The power lane: a file system of the real kernel loses its power. It is ext4 in a file, mounted
// in a private namespace; the kernel is told to shut it down without flushing its journal, so that
// only what was synced is there when it is mounted again. Beside the writers a process follows;
// what it has seen must be there as well.
//
// With real power the writers would stop at once. These do not, and a sync that is under way when
// the journal is given up may be told that all is well, because its transaction has ended. So what
// is acknowledged or seen after the moment of the cut may be there, or not, in order.

extension Lane {
  static let power = Lane(
    name: "power", sentence: "the power of a real file system is cut, by the kernel"
  ) { run in
    let count =
      switch run.size {
      case .tiny: 12
      case .pr: 320
      case .nightly: 5_000
      }
    if let obstacle = Power.obstacle() {
      run.report("SKIPPED", obstacle)
      run.report("power cuts", 0)
      return
    }
    // Under `ordered` bytes reach the disk before the size that shows them; not so otherwise.
    let modes = run.size == .nightly ? ["ordered", "writeback"] : ["ordered"]
    for mode in modes {
      let scratch = try Scratch.inMemory()
      defer { scratch.remove() }
      let output = scratch.path + "/output"
      let words = [
        "unshare", "--mount", "--propagation", "private", try ChildProcess.programPath(),
        "cut-power", scratch.path, "\(run.seed)", "\(count)", mode,
      ]
      let end = try ChildProcess(words, output: output).wait()
      let text = try String(contentsOfFile: output, encoding: .utf8)
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: "\t", maxSplits: 2).map(String.init)
        switch parts.first {
        case "figure" where parts.count == 3: run.report(parts[1], parts[2])
        case "violation" where parts.count > 1: run.violate(String(line.dropFirst(10)))
        default: run.violate("the cutting process said: \(line)")
        }
      }
      if end != .exit(0) { run.violate("the cutting process ended with \(end)") }
    }
  }
}

/// The process that has the file system, in a namespace of its own.
enum Power {
  /// Why there can be no cuts here; nil when there can.
  static func obstacle() -> String? {
    if getuid() != 0 { return "only root may mount a file system" }
    do {
      try ChildProcess.run(["mkfs.ext4", "-V"])
    } catch {
      return "mkfs.ext4 of e2fsprogs cannot be run: \(error)"
    }
    do {
      let scratch = try Scratch.inMemory()
      defer { scratch.remove() }
      let disk = scratch.path
      try ChildProcess.run([
        "unshare", "--mount", "--propagation", "private", "sh", "-ec",
        "truncate -s 16M \(disk)/disk; mkfs.ext4 -q \(disk)/disk; mkdir \(disk)/mounted; "
          + "mount -o loop \(disk)/disk \(disk)/mounted; umount \(disk)/mounted",
      ])
      return nil
    } catch {
      return "no file system can be mounted: \(error)"
    }
  }

  /// Cuts the power so many times.
  static func run(_ arguments: [String]) -> Never {
    guard arguments.count == 5, let seed = UInt64(arguments[2]), let count = Int(arguments[3])
    else { exit(64) }
    do {
      var cuts = PowerCuts(scratch: arguments[1], seed: seed, mode: arguments[4])
      try cuts.run(count)
      exit(0)
    } catch {
      print("violation\t\(error)")
      exit(1)
    }
  }
}

private struct PowerCuts {
  let scratch: String
  let seed: UInt64
  let mode: String

  private var cuts = 0
  private var duringOpening = 0
  private var acknowledged = 0
  private var lost = 0
  private var sights = 0

  private var disk: String { scratch + "/disk" }
  private var mounted: String { scratch + "/mounted" }

  /// Cuts of one store before the next is begun.
  private static let perStore = 8

  init(scratch: String, seed: UInt64, mode: String) {
    self.scratch = scratch
    self.seed = seed
    self.mode = mode
  }

  mutating func run(_ count: Int) throws {
    try ChildProcess.run(["truncate", "-s", "192M", disk])
    try ChildProcess.run(["mkfs.ext4", "-q", disk])
    try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: false)
    try mount()
    var store = 0
    while cuts < count {
      let path = mounted + "/\(store)"
      guard try cut(path, store, times: min(Self.perStore, count - cuts)) else { break }
      try FileManager.default.removeItem(atPath: path)
      store += 1
    }
    try ChildProcess.run(["umount", mounted])
    print("figure\tpower cuts, data=\(mode)\t\(cuts)")
    print("figure\t  of them before the store was open\t\(duringOpening)")
    print("figure\t  acknowledged steps\t\(acknowledged)")
    print("figure\t  states seen by the following process, all there\t\(sights)")
  }

  private func mount() throws {
    try ChildProcess.run(["mount", "-o", "loop,data=\(mode)", disk, mounted])
  }

  private func unmount() throws {
    for attempt in 0..<100 {
      do {
        return try ChildProcess.run(["umount", mounted])
      } catch {
        // Whoever had a file open is just going.
        if attempt == 99 { throw error }
        usleep(10_000)
      }
    }
  }

  /// `EXT4_IOC_SHUTDOWN`, with the flag that leaves the journal unflushed.
  private func shutDown() throws {
    let directory = unsafe open(mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw CampaignError("\(mounted) cannot be opened") }
    defer { close(directory) }
    var flag: UInt32 = 2
    guard unsafe ioctl(directory, 0x8004_587D, &flag) == 0 else {
      throw CampaignError("the power cannot be cut: error \(errno)")
    }
  }

  /// Cuts one store again and again; false when it was found to be wrong.
  private mutating func cut(_ path: String, _ store: Int, times: Int) throws -> Bool {
    let kinds: [StoreOptions.Durability] = [
      .sync, .buffered(maxDelay: .milliseconds(20)), .group(maxDelay: .milliseconds(1)),
    ]
    var numbers = SeededNumbers(seed: seed &+ UInt64(store) &* 1_000_003)
    var state = StoreOracle()
    for time in 0..<times {
      var order = WorkOrder(
        directory: path, seed: seed &+ UInt64(store * Self.perStore + time) &* 7_919,
        steps: 20_000)
      order.durability = kinds[store % 3]
      order.writers = store / 3 % 2 == 0 ? 1 : 3
      order.background = store % 2 == 0
      let output = scratch + "/worker"
      let sight = scratch + "/watcher"
      let worker = try ChildProcess.own(order.arguments, output: output)
      let watcher = try ChildProcess.own(["watch", path, "\(order.seed)"], output: sight)
      // A quarter of them while the store is being opened, or soon after.
      let isEarly = numbers.below(4) == 0
      usleep(UInt32(isEarly ? 8_000 + numbers.below(24_000) : 20_000 + numbers.below(230_000)))
      let moment = PosixFileSystem().now()
      try shutDown()
      worker.stop()
      watcher.stop()
      worker.wait()
      watcher.wait()
      try unmount()
      try mount()
      cuts += 1

      let log = try WorkerLog(of: order, in: output, cut: moment)
      if !log.isOpened { duringOpening += 1 }
      acknowledged += log.acknowledged
      var aftermath = Aftermath(order: order, bases: [state], log: log)
      aftermath.isPowerCut = true
      let replay = "cut \(time) of store \(store) of seed \(seed), data=\(mode), \(order.command)"
      do {
        aftermath.seen = try look(at: sight, before: moment)
      } catch {
        print("violation\t\(error): \(replay)")
      }
      let (wrong, now) = try aftermath.examine()
      if let wrong {
        print("violation\t\(wrong): \(replay)")
        return false
      }
      state = now
      try FileManager.default.removeItem(atPath: output)
      try FileManager.default.removeItem(atPath: sight)
    }
    return true
  }

  /// The last step that the watching process saw.
  private mutating func look(at file: String, before moment: UInt64) throws -> Int? {
    var last: Int?
    for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2).map(String.init)
      guard words.count >= 2, let time = UInt64(words[0]) else {
        throw CampaignError("the watching process said: \(line)")
      }
      if time > moment { continue }
      guard let step = Int(words[1]) else {
        throw CampaignError("the watching process met an error before the cut: \(line)")
      }
      sights += 1
      // A later step may have taken away the records of the last one.
      last = max(last ?? 0, step)
    }
    return last
  }
}

/// The process that follows a store and says which of a worker's steps it sees, until it is killed.
enum Watcher {
  static func run(_ arguments: [String]) -> Never {
    guard arguments.count == 3, let seed = UInt64(arguments[2]) else { exit(64) }
    let system = PosixFileSystem()
    var store: Store?
    while true {
      do {
        let open =
          try store
          ?? Store.open(
            at: arguments[1], options: StoreOptions(access: .readOnly))
        if store == nil { store = open } else { try open.refresh() }
        if let step = try last(in: open, of: seed) { say("\(system.now()) \(step)") }
      } catch let error as StoreError where error.code == .notFound {
        usleep(500)
      } catch {
        say("\(system.now()) error \(error)")
        usleep(500)
      }
    }
  }

  /// The latest step of which the first writer's collections show a trace.
  private static func last(in store: Store, of seed: UInt64) throws -> Int? {
    let snapshot = try store.snapshot()
    let mark = Filter.eq(.metadata("of"), Workload.mark(of: seed))
    var last: Int?
    for spec in snapshot.collections where Workload.names(of: 0).contains(spec.name) {
      let handle = store.collection(spec.name, dimension: spec.dimension, metric: spec.metric)
      for record in try snapshot.reading(handle).scroll(where: mark).records {
        last = max(last ?? 0, record.number("step") ?? 0)
      }
    }
    return last
  }

  private static func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    guard unsafe write(1, bytes, bytes.count) == bytes.count else { exit(65) }
  }
}
