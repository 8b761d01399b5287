# One image for every process; the command says which: api/main.ts, workers/cpu.ts, workers/gpu.ts, cli/provision.ts.
FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY . .
RUN npm run build
USER node
ENV NODE_ENV=production HOST=0.0.0.0
# What the young part of the heap may take: docs/performance.md, "Live connections".
CMD ["node", "--max-semi-space-size=4", "api/main.ts"]
