//! Application packages in PNDA's format: one folder, in it types of components, in them components with their files.
//! A package is read whole and every mistake of it is told at once; nothing of it is trusted before.
//! Not here: where packages are kept while applications run from them on YARN.
