import RoostContract
import RoostFuzz
import RoostSQL

/// A SQL script that compares the reference evaluator with a real Postgres.
///
/// Every statement prints a line only where the two differ; the last one prints how many filters
/// were asked. True, false and neither are compared for each record, so a filter is checked under
/// `not` as well.
struct PostgresScript {
  let seed: UInt64
  let filters: Int

  func write() throws {
    var generator = FilterGenerator(seed: seed)
    let records = (100..<164).map { generator.record(id: "r\($0)") }
    print(
      """
      \\set ON_ERROR_STOP on
      \\pset tuples_only on
      \\pset format unaligned
      SET standard_conforming_strings = on;
      CREATE TEMP TABLE rows (id text PRIMARY KEY, content text, metadata jsonb NOT NULL);
      """)
    for record in records {
      let content = record.content.map(quoted) ?? "NULL"
      let metadata = quoted(Value.object(record.metadata ?? [:]).json)
      print("INSERT INTO rows VALUES (\(quoted(record.id)), \(content), \(metadata));")
    }
    for number in 0..<filters {
      let filter = generator.filter(depth: 4)
      let wanted = records.map { "\(filter.truth(of: $0))".prefix(1) }.joined()
      let sql = try FilterSQL(postgres: filter)
      let types = sql.arguments.map(type).joined(separator: ", ")
      let values = sql.arguments.map(literal).joined(separator: ", ")
      let truth =
        "CASE WHEN \(sql.condition) THEN 'y' WHEN NOT \(sql.condition) THEN 'n' ELSE 'u' END"
      print(
        """
        PREPARE q\(types.isEmpty ? "" : "(\(types))") AS
        SELECT \(number), wanted, found, about FROM (
          SELECT \(quoted(wanted)) AS wanted, \(quoted(filter.description)) AS about,
            (SELECT string_agg(\(truth), '' ORDER BY id) FROM rows) AS found
        ) AS answers WHERE wanted <> found;
        EXECUTE q\(values.isEmpty ? "" : "(\(values))");
        DEALLOCATE q;
        """)
    }
    print("SELECT 'asked \(filters) filters on \(records.count) records, seed \(seed)';")
  }

  private func type(_ argument: FilterSQL.Argument) -> String {
    switch argument {
    case .text, .json: "text"
    case .number: "float8"
    }
  }

  private func literal(_ argument: FilterSQL.Argument) -> String {
    switch argument {
    case .text(let text): text.map(quoted) ?? "NULL"
    case .json(let text): quoted(text)
    case .number(let number):
      number.isInfinite ? (number < 0 ? "'-Infinity'" : "'Infinity'") : "'\(number)'"
    }
  }

  private func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "''") + "'"
  }
}
