// Says of each value which guards say yes and which definitions of the JSON Schema hold for it.
//
// node judge.cjs ours.js schema.json asked.json: asked is a list of {"guards", "types", "union"}, by
// name, and the "values" to judge; the answer has a list for each, of {"guards", "types", "union"}
// that hold.
"use strict";

const { readFileSync } = require("node:fs");
const Ajv = require("ajv/dist/2020").default;

const [ours, schema, asked] = process.argv.slice(2);
const published = require(ours);
const ajv = new Ajv({ strict: true });
ajv.addSchema(JSON.parse(readFileSync(schema, "utf-8")), "schema");

const holds = (name, value) => ajv.getSchema(`schema#/$defs/${name}`)(value);

const judged = JSON.parse(readFileSync(asked, "utf-8")).map(({ guards, types, union, values }) =>
  values.map((value) => ({
    guards: guards.filter((name) => published[name](value)),
    types: types.filter((name) => holds(name, value)),
    union: holds(union, value),
  })),
);
process.stdout.write(JSON.stringify(judged));
