import RoostContract
import RoostKernels

/// How the rows that a filter lets through lie to the query.
enum FilterRelation: String, CaseIterable, Sendable {
  /// Anywhere.
  case none
  /// Near it.
  case near
  /// Far from it.
  case far
  /// Some near, most elsewhere.
  case mixed
}

/// A query, and the rows of the world as they lie to it.
struct FilterQuery: Sendable {
  let vector: [Float]
  /// The distance of each row, and the rows from the nearest to the farthest, equal ones by id.
  let distances: [Double]
  let order: [Int]

  init(_ vector: [Float], in world: FilterWorld) {
    self.vector = vector
    let distances = world.reference.distances(from: vector)
    self.distances = distances
    // Ids are in the order of the rows.
    order = distances.indices.sorted {
      distances[$0] < distances[$1] || distances[$0] == distances[$1] && $0 < $1
    }
  }
}

/// Makes random filters of every operator, on columns and fields of every type, from those that let
/// everything through to those that let nothing, evenly on a scale of powers of ten.
struct FilterMaker {
  private let world: FilterWorld
  private var chance: SeededStream

  /// Lists in filters are at most this long: the reference goes through them one by one.
  private static let longest = 500

  init(_ world: FilterWorld, seed: UInt64) {
    self.world = world
    chance = SeededStream(seed: seed)
  }

  mutating func below(_ bound: Int) -> Int { chance.below(bound) }

  private mutating func pick<T>(_ choices: [T]) -> T { choices[chance.below(choices.count)] }

  private mutating func flip() -> Bool { chance.below(2) == 0 }

  /// A share, of all to a single row.
  private mutating func share() -> Double {
    let digits = Double(chance.below(1 << 20)) / Double(1 << 20) * 4.6
    return exponential(-digits)
  }

  private func exponential(_ digits: Double) -> Double {
    // Ten to the power, by halves, so that no library is needed.
    var (result, factor, rest) = (1.0, 0.1, -digits)
    while rest >= 1 {
      result *= factor
      rest -= 1
    }
    for _ in 0..<20 {
      rest *= 2
      factor = factor.squareRoot()
      if rest >= 1 {
        result *= factor
        rest -= 1
      }
    }
    return result
  }

  /// A filter for a query.
  mutating func filter(for query: FilterQuery) -> (filter: Filter, relation: FilterRelation) {
    switch chance.below(20) {
    case 0...7: (anywhere(), .none)
    case 8...12: (near(query), .near)
    case 13...17: (far(query), .far)
    default: (.or(near(query), anywhere()), .mixed)
    }
  }

  // MARK: Anywhere

  private mutating func anywhere() -> Filter {
    switch chance.below(12) {
    case 0...4: range(share())
    case 5: ids(share())
    case 6, 7: field()
    case 8: text()
    case 9, 10: .and(range(share().squareRoot()), flip() ? field() : text())
    default: tree(depth: 3)
    }
  }

  /// About this share of the records, by a number that means nothing.
  private mutating func range(_ share: Double) -> Filter {
    let bound = FilterWorld.chanceBound
    let width = Int((share * Double(bound)).rounded(.up))
    let start = chance.below(max(1, bound - width))
    let n = FieldPath.metadata("n")
    func at(_ number: Int) -> Value {
      number.isMultiple(of: 2) ? .int(Int64(number)) : .double(Double(number))
    }
    switch chance.below(6) {
    case 0: return .lt(n, at(width))
    case 1: return .gt(n, at(bound - width))
    case 2: return .le(n, at(width))
    case 3: return .ge(n, at(bound - width))
    case 4: return .not(.or(.lt(n, at(start)), .gt(n, at(start + width))))
    default: return .and(.ge(n, at(start)), .lt(n, at(start + width)))
    }
  }

  /// About this share, by ids: a list, or a range.
  private mutating func ids(_ share: Double) -> Filter {
    let count = max(1, Int(share * Double(world.records.count)))
    if count <= Self.longest, flip() {
      return .in(.id, (0..<count).map { _ in .string(FilterWorld.id(chance.below(41_000))) })
    }
    let start = chance.below(max(1, world.records.count - count))
    return .and(
      .ge(.id, .string(world.records[start].id)),
      .lt(.id, .string(FilterWorld.id(start + count))))
  }

  /// Fields that are missing here and there, of several types, or inside others.
  private mutating func field() -> Filter {
    let score = FieldPath.metadata("score")
    let number = Value.int(Int64(chance.below(200) - 100))
    let rank = Value.int(Int64(chance.below(1_000)))
    switch chance.below(22) {
    case 0: return .exists(score)
    case 1: return .not(.exists(score))
    case 2: return .gt(score, number)
    case 3: return .not(.gt(score, number))
    case 4: return .lt(score, .double(Double(chance.below(800) - 400) / 16))
    case 5: return .eq(score, pick([number, .null, .bool(true), "low", "", "10.0"]))
    case 6: return FilterDialect.lenient.eq(score, .null)
    case 7: return FilterDialect.lenient.ne(score, pick([.null, number, "high"]))
    case 8: return FilterDialect.lenient.in(score, [.null, number, "low"])
    case 9: return .in(score, [number, .bool(false), .null, "10x", .double(2.5)])
    case 10: return .gt(score, pick(["low", "", "Żółw", "5"]))
    case 11: return .ge(score, flip() ? number : "high")
    case 12: return .le(score, flip() ? number : "high")
    case 13: return .lt(.metadata("source", "rank"), rank)
    case 14: return .not(.ge(.metadata("source", "rank"), rank))
    case 15: return .eq(.metadata("source", "name"), pick(["web", "book", "none"]))
    case 16: return .exists(.metadata("source", "deep", pick(["x", "none", "y"])))
    case 17: return .gt(.metadata("source", "deep", "x"), .double(Double(chance.below(64)) / 8))
    case 18: return .eq(.metadata("tags", pick(["0", "1", "-1", "7"])), pick(["red", "42"]))
    case 19:
      return .in(.metadata("tags"), [.array([]), .array(["red"]), .array(["blue", "blue"])])
    case 20: return .eq(.metadata("nowhere"), .null)
    default: return .not(.like(.metadata("source", "name"), pick(["*o*", "b*", "*"])))
    }
  }

  /// Texts, by patterns, by order and by what they are.
  private mutating func text() -> Filter {
    let letter = String(pick(Array("abcdefghijklmnoprstuvw")))
    let lexfile = FieldPath.metadata("lexfile")
    switch chance.below(11) {
    case 0: return .like(.metadata("lemma"), letter + "*")
    case 1: return .like(.metadata("lemma"), "*" + letter + pick(["y", "er", "ing"]))
    case 2: return .like(.content, "*" + pick(["animal", "of the", "used", "zebra", "a"]) + "*")
    case 3: return .not(.like(.content, letter + "*"))
    case 4: return .lt(.content, .string(letter))
    case 5: return .not(.gt(.content, .string(letter)))
    case 6: return flip() ? .exists(.content) : .not(.exists(.content))
    case 7: return .eq(lexfile, .string(pick(world.files)))
    case 8: return .in(lexfile, (0..<3).map { _ in .string(pick(world.files)) })
    case 9: return .like(.id, "*" + String(chance.below(100)))
    default: return .ne(.metadata("pos"), .string(pick(["noun", "adj", "verb", "adv"])))
    }
  }

  private mutating func tree(depth: Int) -> Filter {
    guard depth > 1, chance.below(10) < 7 else {
      return flip() ? field() : flip() ? text() : range(share().squareRoot())
    }
    let children = (0..<2 + chance.below(2)).map { _ in tree(depth: depth - 1) }
    switch chance.below(3) {
    case 0: return .and(children)
    case 1: return .or(children)
    default: return .not(children[0])
    }
  }

  // MARK: By distance

  private func file(_ row: Int) -> Value { world.records[row].metadata?["lexfile"] ?? .null }

  private func list(_ rows: ArraySlice<Int>) -> Filter {
    .in(.id, rows.map { .string(world.records[$0].id) })
  }

  /// The rows of a share, from a place on, along a direction through the vectors.
  private mutating func slab(_ query: FilterQuery, isNear: Bool) -> Filter {
    let axis = "axis\(chance.below(4))"
    let places = world.records.map { $0.metadata?[axis]?.doubleValue ?? 0 }
    // Where the query lies, its nearest rows tell.
    let middle = query.order.prefix(5).reduce(0) { $0 + places[$1] } / 5
    let sorted = places.sorted()
    let rank = sorted.firstIndex { $0 >= middle } ?? sorted.count - 1
    let count = max(1, Int(share() * Double(sorted.count)))
    let isLow = rank > sorted.count / 2
    let first =
      isNear
      ? min(max(0, rank - count / 2), sorted.count - count)
      : isLow ? 0 : sorted.count - count
    return .and(
      .ge(.metadata(axis), .double(sorted[first])),
      .le(.metadata(axis), .double(sorted[first + count - 1])))
  }

  private mutating func near(_ query: FilterQuery) -> Filter {
    let lexfile = FieldPath.metadata("lexfile")
    switch chance.below(6) {
    case 0: return .eq(lexfile, file(query.order[chance.below(3)]))
    case 1:
      let count = Int(share() * Double(Self.longest))
      return list(query.order.prefix(max(1, count)))
    case 2: return .and(.eq(lexfile, file(query.order[0])), range(share().squareRoot()))
    case 3:
      let rows = query.order.prefix(3)
      return .in(lexfile, rows.map(file))
    default: return slab(query, isNear: true)
    }
  }

  private mutating func far(_ query: FilterQuery) -> Filter {
    let lexfile = FieldPath.metadata("lexfile")
    let count = query.order.count
    switch chance.below(7) {
    case 0: return .not(list(query.order.prefix(1 + chance.below(Self.longest))))
    case 1: return .eq(lexfile, file(query.order[count - 1 - chance.below(count / 4)]))
    case 2: return .ne(lexfile, file(query.order[0]))
    case 3: return .and(.not(list(query.order.prefix(100))), range(share()))
    case 4: return list(query.order.suffix(max(1, Int(share() * Double(Self.longest)))))
    default: return slab(query, isNear: false)
    }
  }
}
