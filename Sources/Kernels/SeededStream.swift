/// Numbers that follow from a seed (SplitMix64), the same on every machine.
///
/// Rooms beside this one have their own, because the lowest rooms do not know each other.
@frozen package struct SeededStream: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  @inlinable package init(seed: UInt64) { state = seed }

  @inlinable package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number from zero up to `bound`, which is at least one.
  @inlinable package mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number from -1 up to 1.
  @inlinable package mutating func float() -> Float {
    Float(Int32(truncatingIfNeeded: next() >> 40) - (1 << 23)) * 0x1p-23
  }
}
