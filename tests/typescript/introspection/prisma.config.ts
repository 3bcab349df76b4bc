// `prisma db pull` by Prisma's own engine as WebAssembly, which npm brings with it: the engine that is
// a program of its own is fetched from another host. Its driver adapter does not know two types of
// PostgreSQL's catalogs (prisma/orm#27403); they are told here. An application needs none of this.
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { defineConfig } from "prisma/config";

const CHAR = 18; // "char", one byte
const UUID = 2950; // which no catalog that is asked for has: the one byte comes under its name
const TOLD_AS = new Map([
  [CHAR, UUID],
  [19, 25], // name: text
  [1003, 1009], // name[]: text[]
]);
const COLUMN_UUID = 15;
const COLUMN_CHARACTER = 6;

class Catalogs extends pg.Pool {
  async query(...given: any[]): Promise<any> {
    const told = await (super.query as any)(...given);
    for (const field of told.fields ?? []) {
      field.dataTypeID = TOLD_AS.get(field.dataTypeID) ?? field.dataTypeID;
    }
    return told;
  }
}

class Adapter extends PrismaPg {
  async connect() {
    const made = await super.connect();
    const ask = made.queryRaw.bind(made);
    made.queryRaw = async (query) => {
      const told = await ask(query);
      const columnTypes = told.columnTypes.map((type) =>
        type === COLUMN_UUID ? COLUMN_CHARACTER : type
      );
      return { ...told, columnTypes };
    };
    return made;
  }
}

const pool = () => new Catalogs({ connectionString: process.env["DATABASE_URL"] });

export default defineConfig({
  schema: "schema.prisma",
  experimental: { adapter: true },
  engine: "js",
  adapter: async () => new Adapter(pool(), { disposeExternalPool: true }),
});
