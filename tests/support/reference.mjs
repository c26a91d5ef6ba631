// Evaluates JSONata in its reference implementation: reads [{expression, variables, millis}] as JSON
// from standard input, and writes for each [value], [] if it is undefined, or the error's code.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const jsonata = createRequire(process.argv[1] + "/")("jsonata");

async function outcome({ expression, variables, millis }) {
  try {
    // An object omits an undefined value, but keeps null.
    const parsed = jsonata(`{'value': (${expression})}`);
    parsed.registerFunction("millis", () => millis);
    parsed.registerFunction("parse", JSON.parse);
    const result = await parsed.evaluate(undefined, variables);
    return "value" in result ? [result.value] : [];
  } catch (error) {
    return error.code ?? String(error);
  }
}

const results = [];
for (const one of JSON.parse(await text(process.stdin))) results.push(await outcome(one));
process.stdout.write(JSON.stringify(results));
