// Plain JavaScript that any Node can parse: TypeScript runs directly from 24 on.
var needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  console.error(
    'sagachart needs Node ' +
      needed +
      ' or newer; this is ' +
      process.versions.node +
      '. Install it, or run `npm ci` with install scripts allowed: it brings its own.',
  );
  process.exit(1);
}
