import RoostContract

/// The truth table as laws: each row selects what was recorded, asked in every way there is.
enum TruthLaws {
  static let all: [Law] = (TruthTable.rows + unrecorded).map(law)

  private static func law(_ row: TruthRow) -> Law {
    Law(row.id, row.sentence) { trial in
      let collection = try await trial.anyCollection()
      try await collection.upsert(TruthTable.records)
      switch row.answer {
      case .ids(let ids):
        try await trial.expect(row.label, in: collection, where: row.filter, finds: ids)
      case .refused:
        guard let filter = row.filter else { return }
        try await trial.expectRefusal(of: row.label, in: collection, where: filter)
      }
    }
  }

  /// What the contract says beside the recording, on the same fixture.
  private static let unrecorded: [TruthRow] = [
    .refuses(
      "truth-nested-empty", "Or(Eq,And(Or()))", "an empty or is refused at any depth",
      .or(.eq("rank", 10), .and([.or([])]))),
    .refuses(
      "truth-not-empty", "Not(Not(And()))", "two nots do not make an empty and whole",
      .not(.not(.and([])))),
    .refuses(
      "truth-blank-segment", "a. .c", "a blank segment is refused in the middle of a path",
      .eq(.metadata("a", " ", "c"), "v")),
    .refuses(
      "truth-nul-segment", "a.\\0", "a path with a NUL character is refused",
      .exists(.metadata("a", "\0"))),
    .refuses(
      "truth-nul-text", "Eq(rank,\\0)", "a text with a NUL character is refused",
      .eq("rank", "\0")),
    .refuses(
      "truth-id-true", "In(id,true)", "an in over ids with a truth value is refused",
      .in(.id, ["int10", true])),
    .refuses(
      "truth-id-gt-null", "Gt(id,nil)", "an id ordered against null is refused", .gt(.id, .null)),
    .refuses(
      "truth-lt-null", "Lt(rank,nil)", "an lt with null is refused", .lt("rank", .null)),
    .refuses(
      "truth-lt-nan", "Lt(rank,NaN)", "an lt with NaN is refused", .lt("rank", .double(.nan))),
    .refuses(
      "truth-lt-object", "Lt(rank,{})", "an lt with an object is refused", .lt("rank", [:])),
    .refuses(
      "truth-eq-infinity", "Eq(rank,Inf)", "an eq with an infinity is refused",
      .eq("rank", .double(.infinity))),
    .finds(
      "truth-id-in-null", "In(id,nil,int10)", "an in over ids passes over null",
      .in(.id, [.null, "int10"]), "int10"),
    .finds(
      "truth-id-not-in-null", "Not(In(id,nil,int10))", "a not in over ids with null finds nothing",
      .not(.in(.id, [.null, "int10"])), ""),
    .finds(
      "truth-id-not-eq-null", "Not(Eq(id,nil))", "an id neither is null nor is not",
      .not(.eq(.id, .null)), ""),
    .finds(
      "truth-segment-trimmed", "' a '.' b '.c", "white space around a segment does not count",
      .eq(.metadata(" a ", "\tb\n", "c"), "v"), "nest"),
    .finds(
      "truth-dot-is-no-path", "Exists(a.b.c)", "a name with dots is no path",
      .exists("a.b.c"), ""),
    .finds(
      "truth-array-end", "tags.-2==x", "a negative number reaches the first element",
      .eq(.metadata("tags", "-2"), "x"), "tags"),
    .finds(
      "truth-array-before", "Exists(tags.-3)", "a negative number past the first is missing",
      .exists(.metadata("tags", "-3")), ""),
    .finds(
      "truth-text-no-elements", "Exists(rank.0)", "a number in a path counts in arrays alone",
      .exists(.metadata("rank", "0")), "arr"),
    .finds(
      "truth-not-missing-path", "Not(Exists(rank.x))", "a path that leads nowhere does not exist",
      .not(.exists(.metadata("rank", "x"))), TruthTable.all()),
    .finds(
      "truth-not-lt", "Not(Lt(rank,10))",
      "not lt with a number lets records without the field through",
      .not(.lt("rank", 10)), TruthTable.all(but: "neg str9")),
    .finds(
      "truth-content-text", "Gt(content,a)", "contents are ordered by their bytes",
      .gt(.content, "a"), "c_hello"),
    .finds(
      "truth-not-content-text", "Not(Gt(content,a))",
      "not gt over contents leaves records without content out", .not(.gt(.content, "a")),
      "c_empty"),
    .finds(
      "truth-content-trimmed", "Exists( content )", "the content's column is trimmed, too",
      .exists(.column("\tcontent ")), "c_empty c_hello"),
  ]
}
