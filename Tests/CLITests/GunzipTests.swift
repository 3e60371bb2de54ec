import Foundation
import RoostContract
import Testing

@testable import RoostCLI

/// Bytes that are given out in portions of one size.
private final class Portions: ByteSource {
  private var rest: ArraySlice<UInt8>
  private let size: Int

  init(_ bytes: [UInt8], _ size: Int) {
    rest = bytes[...]
    self.size = size
  }

  func next() throws -> [UInt8] {
    defer { rest = rest.dropFirst(size) }
    return Array(rest.prefix(size))
  }
}

@Suite("Unpacking gzip")
struct GunzipTests {
  private func unpack(_ bytes: [UInt8], portions: Int = 7) throws -> [UInt8] {
    let source = Gunzip(Portions(bytes, portions), name: "file")
    var out: [UInt8] = []
    while true {
      let part = try source.next()
      if part.isEmpty { return out }
      out += part
    }
  }

  private func decoded(_ text: String) throws -> [UInt8] {
    Array(try #require(Data(base64Encoded: text)))
  }

  /// What the packed samples hold, made again.
  private static let verse: [UInt8] = (0..<400).flatMap { number in
    Array("\(number * number % 1_000) small worlds, \(number % 7) rows\n".utf8)
  }

  // Packed by gzip itself, at its best level: blocks with codes of their own.
  private static let packed =
    "H4sIAAAAAAACA5WaOW7eMBCF+5zCB0jBWTk8ToCUDgzERa6fwqKLf/RBYCt4GY2e3kaNt88/v97f3/59/H3//fnz"
    + "bbz9/fj3+UNeLsvXZX+5rF+X18tlu/5Ivlz3r+saL9fj67q9/nxe/3XdD5l+P2XJ/ZgyBgyqcj+puN+PKrnuZ5WV"
    + "98Nqu2vZ28j7cbVgr6Z+P66l3I/r7c73al3ux/WC5Yau+3Fj5v242e78Gjfbb1zjToXtzjbVNW45IHa1O9+Ybbu6"
    + "xqXltqexoRAA2/7ENxQaRmQ/P9itNxzafhqA3Gz3fY2b7e3Yu03c7YLdGiE34D1DRhiwXBsOwB0A3Gg3LnsjQAtz"
    + "wHKrTXWNuwSA2258s4IRK9BuLYFrvQC3/Yn7fpuAFcphuSuBcQm4HerXtBZACl6w21Sg3JkA3P6Kbw4DTpCC3ZoC"
    + "4/pMmha0bE5ghaWLXjPYrQNuneQsUggJsNsqINw4VTNbwAmRsNvpQLiLcCukZlqkZmQV0oFxywC4JGZKnOADdpuD"
    + "CHcAcEHKdAAl+HBSB+DbEhIz0jIDSnDabCbRbZELIy0zBUoIh9XOJC0j3CqJmQdxAjmFpcC3koRbFDMihSonjwuE"
    + "a+TCktSsJrBC/x+bFYhx+30YkbrTrvZ7Rtvtz2OrWZzKmS9ghY4r36/BIXST1Ky/HlvO0Co4Ua6dJjOihU4ke7eD"
    + "5IxsWJCcdTr85gU/pNwppGckZ2Rxk3a7Eji3i1PQE08SwG/XSOGMAkQRcJX0LCIPvYIqkG73I0/hTIkWotAsAOkq"
    + "GbEkSVuT4hlF3yTSdUCuk6KhyRVabjfSuwWJU0WLBbTQ88DmBUoQk6ArpGhOrU2RX+jZaQuwHcYzJ1roCfCbxUjQ"
    + "yIsNQgKFM0q+SpSbQnJGakYet2izmn7YKgjJWW8uNik4pTNMEIRbJT1L6mzIKoQC4/Ya6SmdFZGClh/WYUJGLEnP"
    + "JqUzSr6LCLc3h0GkntRO7reMltsb0F3ZxKmc5crDJjcpQwghN0nOqLIJ8goOfBt2GM+COIFKXOrCALNBQkbBjDIv"
    + "8Gyf/6FiDLK2uNIEnqUuIUnBOi6UkGSEvSe0KknYxKYG/YEiz55mMuaCguUGtWDkvZJETOjYYVLgRZ7tzJzE5YPY"
    + "X0gvFATGSJGeNKyrXpJODlJWIS1+OjFL6mrQIXRPkeRCHjJZIieMRQnSD93XoLhLiYzibneQSp7zoWBkV0ubrcTM"
    + "QFUCKVj380YJ4CkzxDo9LyvqaZz8QU9LRvnqKZERJyQdRRqVYIvMV5KYKR07YNoNIlylg95FchbkbFWxwF2HXQLK"
    + "WdExelCBqxQblp4emGFTs8grJH2iYHaYySbRgtNhJLZgvTdLMm2DujmhNk+p/zNqDB8qxolff9BuBb//oCohSc6M"
    + "jtEdDyNJzY6//1jU0yR5BadPFLAbx0yWRAtGx5FCJVgdf/+BJw9CgbeIdJPOep0UTdDl0nbxXMePvwBZdJA+qcAN"
    + "yhAIXTw1K+pqEv0CfaWgp1+AFNECnkg692AA3f/Yb3Ge0yYAAA=="
  // A block with the codes that are fixed.
  private static let fixed = "H4sIAAAAAAACA0tMSk6EIS4ADJw5Ew0AAAA="

  @Test("gives back what gzip packed", arguments: [1, 7, 4_096])
  func samples(portions: Int) throws {
    #expect(try unpack(try decoded(Self.packed), portions: portions) == Self.verse)
    #expect(try unpack(try decoded(Self.fixed), portions: portions) == Array("abcabcabcabc\n".utf8))
    for count in [0, 1, 999, 1_000, 1_001, 300_000] {
      let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
      #expect(try unpack(SampleBytes.gzip(plain), portions: portions * 100) == plain)
    }
  }

  @Test("reads members one behind the other, and zeros behind the last")
  func members() throws {
    let both = SampleBytes.gzip([1, 2]) + (try decoded(Self.packed))
    #expect(try unpack(both) == [1, 2] + Self.verse)
    #expect(try unpack(both + [0, 0, 0]) == [1, 2] + Self.verse)
    #expect(throws: StoreError.self) { try unpack(both + [7]) }
    #expect(throws: StoreError.self) { try unpack([]) }
  }

  @Test("never gives out what was not packed: every bit is turned, every end is cut")
  func damage() throws {
    let whole = try decoded(Self.packed)
    for place in whole.indices {
      for bit in 0..<8 where place < 60 || bit == place % 8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        do {
          // Times, names and flags of the first bytes say nothing of what is packed.
          #expect(try unpack(bytes, portions: 4_096) == Self.verse)
          #expect(place < 10, "byte \(place), bit \(bit)")
        } catch let error as StoreError {
          #expect(error.code == .corrupted)
        }
      }
      #expect(throws: StoreError.self) { try unpack(Array(whole.prefix(place)), portions: 4_096) }
    }
  }

  @Test("refuses to repeat what was never there, even where the checksum would agree")
  func beforeTheStart() throws {
    let zeros = SampleBytes.gzip([0, 0, 0])
    // One block with the fixed codes: three bytes from one place before the first, and the end.
    let repeated = zeros.prefix(15) + [0x03, 0x02, 0x00] + zeros.suffix(8)
    #expect(throws: StoreError.self) { try unpack(Array(repeated)) }
    let literal = zeros.prefix(15) + [0x63, 0x60, 0x60, 0x00, 0x00] + zeros.suffix(8)
    #expect(try unpack(Array(literal)) == [0, 0, 0])
  }

  @Test("refuses codes that are none")
  func codes() {
    #expect(PrefixCode([1, 1][...], mayBeIncomplete: false) != nil)
    #expect(PrefixCode([1, 1, 1][...], mayBeIncomplete: true) == nil)
    #expect(PrefixCode([1, 2][...], mayBeIncomplete: true) == nil)
    #expect(PrefixCode([1][...], mayBeIncomplete: true) != nil)
    #expect(PrefixCode([1][...], mayBeIncomplete: false) == nil)
    #expect(PrefixCode([0, 0][...], mayBeIncomplete: true) != nil)
  }
}
