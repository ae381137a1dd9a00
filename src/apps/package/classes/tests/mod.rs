//! Tests of the look into jars: class files of a few hundred bytes whose sources lie beside them, and jars made of them here.
