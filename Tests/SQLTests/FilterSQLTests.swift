import RoostContract
import RoostSQL
import Testing

@Suite("A filter as SQL for Postgres")
struct FilterSQLTests {
  private static let rankText = "jsonb_extract_path_text(\"metadata\", 'rank')"
  private static let numeric =
    "'^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$'"

  @Test("a nested filter binds its values in order")
  func complex() throws {
    let filter = Filter.and(
      .eq(.id, "r1"), .or(.gt("rank", 10), .exists(.metadata("flags", "pinned"))))
    let sql = try FilterSQL(postgres: filter)
    #expect(
      sql.condition
        == "((\"id\" = $1) AND ((CASE WHEN (\(Self.rankText)) ~ \(Self.numeric) THEN"
        + " ((\(Self.rankText))::double precision > $2) ELSE FALSE END)"
        + " OR ((\"metadata\" #> ARRAY['flags', 'pinned']) IS NOT NULL)))")
    #expect(sql.arguments == [.text("r1"), .number(10)])
    #expect(sql.nextPlaceholder == 3)
  }

  @Test("placeholders start where they are told to")
  func offset() throws {
    let sql = try FilterSQL(postgres: .eq(.content, "hello"), firstPlaceholder: 5)
    #expect(sql.condition == "(\"content\" = $5)")
    #expect(sql.arguments == [.text("hello")])
    #expect(sql.nextPlaceholder == 6)
    #expect(try FilterSQL(postgres: .exists(.id), firstPlaceholder: -3).nextPlaceholder == 1)
  }

  @Test("in and eq compare metadata as jsonb")
  func json() throws {
    let list = try FilterSQL(postgres: .in("category", ["a", "b"]))
    #expect(list.condition == "((\"metadata\" #> ARRAY['category']) IN ($1::jsonb, $2::jsonb))")
    #expect(list.arguments == [.json("\"a\""), .json("\"b\"")])
    let equal = try FilterSQL(postgres: .eq("category", "news"))
    #expect(equal.condition == "((\"metadata\" #> ARRAY['category']) = $1::jsonb)")
  }

  @Test("no filter is no condition")
  func none() throws {
    let sql = try FilterSQL(postgres: nil, firstPlaceholder: 4)
    #expect(sql.condition.isEmpty && sql.arguments.isEmpty && sql.nextPlaceholder == 4)
  }

  @Test("an invalid filter is refused before there is any SQL")
  func invalid() {
    for filter in [Filter.eq(.column("unknown"), "x"), .eq(.metadata("rank", "  "), 1), .and([])] {
      #expect { try FilterSQL(postgres: filter) } throws: { StoreError.invalidFilter ~= $0 }
    }
  }

  @Test("names with quotes cannot leave their quotes")
  func quoting() throws {
    let sql = try FilterSQL(postgres: .exists(.metadata("it's", "'; DROP TABLE x; --", "back\\")))
    #expect(
      sql.condition
        == "((\"metadata\" #> ARRAY['it''s', '''; DROP TABLE x; --', 'back\\']) IS NOT NULL)")
  }

  @Test("a pattern's stars become percent signs, and its percent signs stay plain")
  func like() throws {
    let sql = try FilterSQL(postgres: .like("lemma", "s*a_50%\\"))
    #expect(sql.condition == "(jsonb_extract_path_text(\"metadata\", 'lemma') LIKE $1 ESCAPE '\\')")
    #expect(sql.arguments == [.text("s%a\\_50\\%\\\\")])
  }
}
