/// SplitMix64: the same numbers from the same seed, on every machine.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A vector of numbers in -1…1.
  mutating func vector(_ dimension: Int) -> [Float] {
    (0..<dimension).map { _ in number() }
  }

  /// A number in -1…1.
  mutating func number() -> Float {
    // 24 bits are what the significand of a Float holds, so no two steps fall together.
    Float(next() >> 40) / Float(1 << 23) - 1
  }
}
