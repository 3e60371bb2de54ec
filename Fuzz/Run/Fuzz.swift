import Foundation
import RoostFuzz

// The fuzz driver.
//
//   roost-fuzz                          replay every corpus, show that the canary is found, then a
//                                       short run of each target
//   roost-fuzz all|NAME --runs N        N mutated inputs, for each target or for one
//              --seed S --corpus DIR
//   roost-fuzz canary --runs N          must end with exit code 1
//   roost-fuzz seeds --corpus DIR       write the inputs that the corpora of files began with
//   roost-fuzz postgres --runs N        SQL that asks a Postgres for the truth of N random filters
//   on
//                                       random records; `Tests/postgres` runs it
//
// The same targets under libFuzzer, which learns from coverage; ROOST_FUZZ_TARGET names the target:
//
//   swift build --product roost-fuzz --scratch-path .build/fuzzer --sanitize=fuzzer \
//     -Xswiftc -DFUZZING -Xswiftc -parse-as-library
//   ROOST_FUZZ_TARGET=filter-text .build/fuzzer/debug/roost-fuzz Fuzz/Corpus/filter-text

#if FUZZING

  /// Called by libFuzzer for each input.
  @c(LLVMFuzzerTestOneInput)
  public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let name = ProcessInfo.processInfo.environment["ROOST_FUZZ_TARGET"] ?? "filter-text"
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
      preconditionFailure("there is no fuzz target \(name)")
    }
    do {
      _ = try target.check(bytes)
    } catch {
      preconditionFailure("\(error)")
    }
    return 0
  }

#else

  /// Runs fuzz targets over a corpus and mutations of it.
  @main
  struct Fuzz {
    var names = FuzzTarget.all.map(\.name)
    var runs = 2_000
    var seed: UInt64 = 1
    var corpus = "Fuzz/Corpus"

    static func main() throws {
      do {
        try Fuzz(CommandLine.arguments.dropFirst()).run()
      } catch let finding as FuzzFinding {
        FileHandle.standardError.write(Data("finding\n\(finding)\n".utf8))
        exit(1)
      } catch let usage as Usage {
        FileHandle.standardError.write(Data("roost-fuzz: \(usage.problem)\n".utf8))
        exit(2)
      }
    }

    struct Usage: Error { var problem: String }

    init(_ arguments: ArraySlice<String>) throws {
      var rest = arguments
      if let name = rest.first, !name.hasPrefix("-") {
        rest.removeFirst()
        if name != "all" { names = [name] }
      }
      while let flag = rest.popFirst() {
        guard let value = rest.popFirst() else { throw Usage(problem: "\(flag) needs a value") }
        switch flag {
        case "--runs": runs = try Self.number(flag, value)
        case "--seed": seed = try Self.number(flag, value)
        case "--corpus": corpus = value
        default:
          throw Usage(problem: "there is no flag \(flag); there are --runs, --seed, --corpus")
        }
      }
    }

    static func number<N: FixedWidthInteger>(_ flag: String, _ value: String) throws -> N {
      guard let number = N(value) else {
        throw Usage(problem: "\(flag) is \(value); it is a whole number")
      }
      return number
    }

    func run() throws {
      if names == ["postgres"] {
        try PostgresScript(seed: seed, filters: runs).write()
        return
      }
      if names == ["seeds"] { return try writeSeeds() }
      try checkCanary()
      for name in names {
        let targets = FuzzTarget.all + [.canary]
        guard let target = targets.first(where: { $0.name == name }) else {
          throw Usage(problem: "there is no target \(name); there are \(targets.map(\.name))")
        }
        let inputs = try name == "canary" ? [] : Corpus(folder: corpus).inputs(for: name)
        var letIn = try inputs.count { try target.check($0) }
        var mutator = Mutator(
          seed: seed, corpus: inputs + target.seeds(inputs.count + 200, seed: seed),
          dictionary: target.dictionary)
        for _ in 0..<runs where try target.check(mutator.next()) { letIn += 1 }
        print(
          "\(name): \(inputs.count) of the corpus and \(runs) mutated inputs, seed \(seed),"
            + " \(letIn) let in, 0 findings")
      }
    }

    private func writeSeeds() throws {
      for (target, inputs) in try StorageSeeds.make() {
        let folder = URL(fileURLWithPath: corpus).appendingPathComponent(target)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (index, input) in inputs.enumerated() {
          let name = String(format: "%03d", index)
          try Data(input).write(to: folder.appendingPathComponent(name))
        }
        print("\(target): \(inputs.count) inputs, \(inputs.reduce(0) { $0 + $1.count }) bytes")
      }
    }

    /// A driver that cannot find a planted fault proves nothing, so every run begins with one.
    func checkCanary() throws {
      var mutator = Mutator(seed: seed, corpus: [], dictionary: FuzzTarget.canary.dictionary)
      for _ in 0..<10_000 {
        do {
          _ = try FuzzTarget.canary.check(mutator.next())
        } catch is FuzzFinding {
          return
        }
      }
      throw Usage(problem: "the canary was not found in 10,000 runs; the driver is broken")
    }
  }

#endif
