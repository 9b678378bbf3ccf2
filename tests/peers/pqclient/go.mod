module maily/pqclient

go 1.26
