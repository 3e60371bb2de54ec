import RoostKernels
import Testing

@Suite("What a walk does beside scoring")
struct WalkKernelTests {
  @Test(
    "a key goes in front of those that are not below it, and no other byte changes",
    arguments: CPULevel.available)
  func keys(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      let fenced = FencedBytes(atLeast: 8 * 200)
      var chance = SeededStream(seed: 5)
      for count in 0...150 {
        // Upper bits too, and keys that are there already.
        let sorted = (0..<count).map { _ in
          chance.next() >> UInt64(chance.below(2) * 60)
        }.sorted()
        for _ in 0..<8 {
          let key = count > 0 && chance.below(3) == 0 ? sorted[chance.below(count)] : chance.next()
          let keys = unsafe fenced.atEnd(8 * (count + 1)).bindMemory(
            to: UInt64.self, capacity: count + 1)
          for (place, one) in sorted.enumerated() { unsafe keys[place] = one }
          let place = unsafe RoostKernels.Kernel.insert(key, keys, count)
          let wanted = sorted.filter { $0 < key } + [key] + sorted.filter { $0 >= key }
          #expect(place == sorted.count { $0 < key }, "\(count) keys")
          #expect((0...count).map { unsafe keys[$0] } == wanted, "\(count) keys")
        }
      }
      for key in [UInt64.min, .max, 1 << 63] {
        var keys = [UInt64](repeating: 1 << 63, count: 20) + [0]
        let place = unsafe RoostKernels.Kernel.insert(key, &keys, 20)
        #expect(place == (key == .max ? 20 : 0) && keys[place] == key)
      }
    }
  }

  @Test(
    "numbers whose bits are not set are copied in order, up to the first that is past the limit",
    arguments: CPULevel.available)
  func unset(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      let (source, target) = (FencedBytes(atLeast: 4 * 200), FencedBytes(atLeast: 4 * 200))
      let set = FencedBytes(atLeast: 4 * 40)
      var chance = SeededStream(seed: 6)
      for count in 0...100 {
        for limit in [1, 31, 32, 33, 1_000] {
          let wordCount = (limit + 31) / 32
          let words = unsafe set.atEnd(4 * wordCount).bindMemory(
            to: UInt32.self, capacity: wordCount)
          for word in 0..<wordCount { unsafe words[word] = UInt32(chance.below(1 << 32)) }
          var all = (0..<count).map { _ in UInt32(chance.below(limit)) }
          // An end here and there: just past the limit, or what stands for no number.
          if count > 0, chance.below(2) == 0 {
            all[chance.below(count)] = chance.below(2) == 0 ? UInt32(limit) : .max
          }
          let numbers = unsafe source.atEnd(4 * count).bindMemory(to: UInt32.self, capacity: count)
          for (place, number) in all.enumerated() { unsafe numbers[place] = number }
          let room = count + 15
          let out = unsafe target.atEnd(4 * room).bindMemory(to: UInt32.self, capacity: room)
          let found = unsafe RoostKernels.Kernel.unset(
            numbers, count, below: UInt32(limit), words, into: out)
          let wanted = all.prefix { $0 < limit }.filter { number in
            unsafe words[Int(number / 32)] >> (number % 32) & 1 == 0
          }
          #expect((0..<found).map { unsafe out[$0] } == wanted, "\(count) numbers below \(limit)")
        }
      }
    }
  }
}
