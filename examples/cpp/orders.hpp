// What the three programs have in common: the queue's shape, their arguments, and what to do about an error.
#ifndef ORDERS_HPP
#define ORDERS_HPP

#include <cqueue.hpp>

#include <iostream>

// Attach to the queue, or create it. Whoever is first decides its shape; the others must want the same.
inline cqueue::queue open_orders(const std::string &name)
{
    cqueue::options options;
    options.capacity = 1000;
    options.max_message_size = 256;
    return cqueue::queue(name, options);
}

// Calls work(queue, count) with what the command line says. What goes wrong is an exception that says what to do.
template <class Work> int run(int argc, char **argv, Work work)
{
    try {
        if (argc != 3)
            throw std::invalid_argument(std::string("usage: ") + argv[0] + " NAME COUNT");
        auto queue = open_orders(argv[1]);
        work(queue, std::stol(argv[2]));
        return 0;
    } catch (const std::exception &error) {
        std::cerr << "cpp: " << error.what() << '\n';
        return 1;
    }
}

#endif
