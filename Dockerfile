# One image for every process; the command says which: api/main.ts, workers/cpu.ts, workers/gpu.ts, cli/provision.ts.
FROM node:24-slim
WORKDIR /app
# pg_dump and pg_restore, for backups; Debian's are those of PostgreSQL 15, so a newer server needs newer ones.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY . .
RUN npm run build
USER node
ENV NODE_ENV=production HOST=0.0.0.0
# How large the heap may grow: docs/performance.md, "Live connections".
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=60", "api/main.ts"]
